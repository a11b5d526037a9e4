import { waitMs, type Backoff } from "../backoff.js";
import type { CommandFrame, Refusal } from "../contract.js";
import { PlazaError } from "../errors.js";

export interface RequestOptions {
  /** How long to wait for the answer, reconnects included: half a minute, unless told. A message waits for as long as it takes. */
  timeoutMs?: number;
  /** Gives up. What was sent already may be carried out nevertheless. */
  signal?: AbortSignal;
}

/** Commands that wait to be written, or for their answer. */
export const WAITING_MAX = 256;
const ANSWER_WITHIN_MS = 30_000;
/** In flight, until the server has said how many may be. */
const IN_FLIGHT_MAX = 16;

/** Commands that come to the same when they are carried out twice: `message.send` by its `client_id`. */
const REPEATABLE = new Set([
  "message.send", "history", "rooms.changes", "room.read", "room.delivered", "reaction.add", "reaction.remove",
  "channel.follow", "channel.unfollow", "presence.set", "presence.watch", "presence.unwatch",
]);
/** Commands that are worth nothing later. */
const MOMENTARY = new Set(["typing.start", "typing.stop"]);
/** Refusals that leave open whether the command was carried out; all others say that it was not. */
const UNSURE = new Set(["outcome_unknown", "timeout", "internal"]);

interface Entry {
  readonly op: string;
  readonly d: unknown;
  /** Entries of one lane are written one after the other: the messages of a room keep their order. */
  readonly lane: string | undefined;
  readonly settle: (error: PlazaError | undefined, d?: unknown) => void;
  /** Its id, while it waits for its answer on this connection. */
  id: number | undefined;
  failures: number;
  /** Not to be written again before this moment. */
  after: number;
  settled: boolean;
}

/** The queue of commands. It outlives connections: what may be repeated is, and nothing is carried out twice. */
export class Outbox {
  readonly #write: (frame: CommandFrame) => boolean;
  readonly #backoff: Backoff;
  #entries: Entry[] = [];
  readonly #written = new Map<number, Entry>();
  #inFlightMax = 0;
  #nextId = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `write` puts a frame on the connection, and says no when it is too long for it. */
  constructor(write: (frame: CommandFrame) => boolean, backoff: Backoff) {
    this.#write = write;
    this.#backoff = backoff;
  }

  /** An id that no other command has. */
  takeId(): number {
    return this.#nextId++;
  }

  /** How many commands wait. */
  get waiting(): number {
    return this.#entries.length;
  }

  ask(op: string, d: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abandoned());
      if (MOMENTARY.has(op) && !this.#isOpen) return reject(new PlazaError("offline", "There is no connection.", { retry: true }));
      if (this.#entries.length >= WAITING_MAX) {
        return reject(new PlazaError("queue_full", `${WAITING_MAX} commands are waiting already.`, { retry: true }));
      }
      const abort = () => entry.settle(abandoned());
      const within = options.timeoutMs ?? (op === "message.send" ? undefined : ANSWER_WITHIN_MS);
      const late = () => entry.settle(new PlazaError("timed_out", `No answer to ${op} within ${within} ms.`, { retry: true }));
      const timer = within === undefined ? undefined : setTimeout(late, within);
      const entry: Entry = {
        op, d, lane: op === "message.send" ? (d as { room: string }).room : undefined,
        id: undefined, failures: 0, after: 0, settled: false,
        settle: (error, answer) => {
          if (entry.settled) return;
          entry.settled = true;
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          this.#entries = this.#entries.filter((other) => other !== entry);
          if (error) reject(error);
          else resolve(answer);
          this.#pump();
        },
      };
      signal?.addEventListener("abort", abort);
      this.#entries.push(entry);
      this.#pump();
    });
  }

  /** There is a connection. */
  open(inFlightMax: number = IN_FLIGHT_MAX): void {
    this.#inFlightMax = inFlightMax;
    this.#pump();
  }

  /** The connection has ended: what may be repeated waits for the next one. */
  shut(): void {
    this.#inFlightMax = 0;
    clearTimeout(this.#timer);
    const written = [...this.#written.values()];
    this.#written.clear();
    for (const entry of written) {
      entry.id = undefined;
      if (!REPEATABLE.has(entry.op)) {
        entry.settle(new PlazaError("interrupted", `The connection ended before the answer to ${entry.op}.`, { retry: true }));
      }
    }
  }

  /** Nothing that waits will be sent. */
  fail(error: PlazaError): void {
    this.shut();
    for (const entry of [...this.#entries]) entry.settle(error);
  }

  reply(id: number, d: unknown): void {
    const entry = this.#take(id);
    entry?.settle(undefined, d);
    this.#pump();
  }

  refuse(id: number, refusal: Refusal): void {
    const entry = this.#take(id);
    if (entry === undefined || entry.settled) return this.#pump();
    const again = refusal.retry && (REPEATABLE.has(entry.op) || !UNSURE.has(refusal.code));
    if (!again) return entry.settle(PlazaError.ofRefusal(refusal));
    entry.failures += 1;
    entry.after = Date.now() + waitMs(this.#backoff, entry.failures, refusal.retry_after_ms);
    this.#pump();
  }

  get #isOpen(): boolean {
    return this.#inFlightMax > 0;
  }

  #take(id: number): Entry | undefined {
    const entry = this.#written.get(id);
    this.#written.delete(id);
    if (entry) entry.id = undefined;
    return entry;
  }

  /** Writes what may be written now, in order. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (!this.#isOpen) return;
    const busy = new Set<string>();
    const now = Date.now();
    let wake = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#entries]) {
      // Writing may have settled it, or ended the connection.
      if (entry.settled) continue;
      const isFree = entry.lane === undefined || !busy.has(entry.lane);
      if (entry.lane !== undefined) busy.add(entry.lane);
      if (entry.id !== undefined || !isFree) continue;
      if (entry.after > now) {
        wake = Math.min(wake, entry.after);
        continue;
      }
      if (this.#written.size >= this.#inFlightMax) break;
      const id = this.takeId();
      entry.id = id;
      this.#written.set(id, entry);
      if (!this.#write({ id, op: entry.op, d: entry.d })) {
        this.#take(id);
        entry.settle(new PlazaError("frame_too_large", `This ${entry.op} is longer than the server reads.`));
        // That has written the rest.
        return;
      }
    }
    if (wake !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), wake - now);
  }
}

const abandoned = () => new PlazaError("aborted", "The command was given up.");
