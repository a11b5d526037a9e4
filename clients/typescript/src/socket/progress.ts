import type { Positions, Schemas, Topic } from "../contract.js";

/** What to do with an event that has arrived: take it, drop it, or resume, since some before it are missing. */
export type Arrival = "next" | "repeat" | "ahead";

/** How far this client has come in each topic: what it hands a server to resume from. */
export class Progress {
  #epoch: string | undefined;
  #topics = new Map<Topic, number>();

  /** Where to resume from, if there is anything to resume. */
  resume(): Schemas["Resume"] | undefined {
    if (this.#epoch === undefined) return undefined;
    return { epoch: this.#epoch, positions: Object.fromEntries(this.#topics) };
  }

  follows(topic: Topic): boolean {
    return this.#topics.has(topic);
  }

  /** Takes on where the server says that topics stand, and forgets what it thought of before. */
  restart(epoch: string, positions: Positions): void {
    this.#epoch = epoch;
    this.#topics = new Map(Object.entries(positions));
  }

  /** `resync` of some topics. With another epoch, no position of before means anything. */
  resync(epoch: string, positions: Positions): void {
    if (epoch === this.#epoch) this.place(positions);
    else this.restart(epoch, positions);
  }

  /** Adds topics that are followed from now on, or puts some elsewhere. */
  place(positions: Positions = {}): void {
    for (const [topic, pos] of Object.entries(positions)) this.#topics.set(topic, pos);
  }

  leave(topic: Topic): void {
    this.#topics.delete(topic);
  }

  /** Forgets everything: what follows belongs to somebody else. */
  clear(): void {
    this.#epoch = undefined;
    this.#topics.clear();
  }

  /** An event has arrived. Moves on only when it is the next one, or the first of its topic. */
  event(topic: Topic, pos: number): Arrival {
    const last = this.#topics.get(topic);
    if (last !== undefined && pos <= last) return "repeat";
    if (last !== undefined && pos > last + 1) return "ahead";
    this.#topics.set(topic, pos);
    return "next";
  }
}
