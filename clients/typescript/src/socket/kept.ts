import type { MessageSent, Schemas } from "../contract.js";
import type { KeptMessage, MessageStore } from "../messages.js";

type MessageSend = Schemas["MessageSend"];

/** Servers take a repeat for the same message for 30 days. This leaves a day for clocks that are wrong. */
export const REPEATED_WITHIN_MS = 29 * 24 * 60 * 60 * 1000;

/** Whether it may be there already, and the server would not know. */
export const isTooOld = ({ at }: KeptMessage, now: number): boolean => now - at > REPEATED_WITHIN_MS;

/** Keeps messages in the application's store from when they are said until it is clear what became of them. */
export class Kept {
  readonly #store: MessageStore | undefined;
  readonly #user: () => string | undefined;
  #last = 0;
  /** Those that this window sends itself. */
  readonly #sending = new Set<string>();

  constructor(store: MessageStore | undefined, user: () => string | undefined) {
    this.#store = store;
    this.#user = user;
  }

  /** Keeps `message` for as long as `send` takes. */
  send(message: MessageSend, send: () => Promise<MessageSent>): Promise<MessageSent> {
    const user = this.#user();
    if (this.#store === undefined || user === undefined) return send();
    const at = (this.#last = Math.max(Date.now(), this.#last + 1));
    const kept = { user, at, message };
    return this.#until(kept, this.#try((store) => store.put(kept)), send());
  }

  /** What this person left unsent, oldest first; each is to be given to `resend`. */
  async load(): Promise<KeptMessage[]> {
    const user = this.#user();
    if (this.#store === undefined || user === undefined) return [];
    let kept: KeptMessage[] = [];
    await this.#try(async (store) => {
      kept = await store.load();
    });
    // Signed out, or in as somebody else, meanwhile.
    if (this.#user() !== user) return [];
    return kept.filter((it) => it.user === user && !this.#sending.has(it.message.client_id)).sort((a, b) => a.at - b.at);
  }

  resend(kept: KeptMessage, send: () => Promise<MessageSent>): Promise<MessageSent> {
    this.#last = Math.max(this.#last, kept.at);
    return this.#until(kept, Promise.resolve(), send());
  }

  async #until(kept: KeptMessage, put: Promise<void>, sending: Promise<MessageSent>): Promise<MessageSent> {
    const { client_id: id } = kept.message;
    this.#sending.add(id);
    try {
      return await sending;
    } finally {
      this.#sending.delete(id);
      void put.then(() => this.#try((store) => store.remove(kept)));
    }
  }

  /** A store that fails (it is full, say) costs what it is there for, and no message that is sent in time. */
  async #try(what: (store: MessageStore) => void | Promise<void>): Promise<void> {
    try {
      if (this.#store) await what(this.#store);
    } catch {
      // Nobody waits for it.
    }
  }
}
