type Handler = (...what: never[]) => void;

/** Tells handlers by name. One that throws keeps nobody else from hearing. */
export class Emitter<Told extends { [K in keyof Told]: unknown[] }> {
  readonly #handlers = new Map<keyof Told, Set<Handler>>();

  /** Calls `handler` from now on; what it returns ends that. */
  on<K extends keyof Told>(name: K, handler: (...what: Told[K]) => void): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    // A handler of its own, so that the same function may be given twice.
    const own: Handler = (...what: unknown[]) => handler(...(what as Told[K]));
    handlers.add(own);
    return () => handlers.delete(own);
  }

  emit<K extends keyof Told>(name: K, ...what: Told[K]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        (handler as (...what: unknown[]) => void)(...what);
      } catch (error) {
        // Its own fault, shown as such.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
