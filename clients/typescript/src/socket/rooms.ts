import type { Message, Reply, Schemas, Taken } from "../contract.js";
import { PlazaError } from "../errors.js";

/** Messages of a room that will not come as events. */
export interface Gap {
  room: string;
  /** The last message before the gap, and the first after it. */
  after: number;
  before: number;
}

/** What this needs of the socket. */
export interface RoomsPort {
  request<C extends "history" | "rooms.changes">(op: C, d: Taken<C>): Promise<Reply<C>>;
  deliver(message: Message): void;
  gap(gap: Gap): void;
  /** Waits a while, longer after more failures. */
  pause(failures: number): Promise<void>;
}

interface Room {
  /** All up to this one were delivered, or were there before we came. */
  last: number;
  /** The last that was there when we asked, which may have been after it was said and before its event came … */
  found: number;
  /** … and the last of those whose event came: each that comes after it is new. */
  came: number;
  /** There are messages up to this one. */
  wanted: number;
  filling: boolean;
  /** Messages that came as events before those before them. */
  held: Map<number, Message>;
}

const room = (last: number, found = 0): Room => ({ last, found, came: 0, wanted: last, filling: false, held: new Map() });

/** Longer gaps are told instead of filled. */
export const FILL_MAX = 1_000;
const PAGE = 100;
/** How often history is asked again for a message that is still being written. */
const STILL_WRITTEN_TRIES_MAX = 5;
/** Messages that wait for those before them, in one room; past it they are read with those. */
const HELD_MAX = 100;
/** Pages of `rooms.changes` in a row: more rooms than anybody has. */
const CHANGE_PAGES_MAX = 50;

/** Sees to it that the messages of each room are delivered once and in order, though live delivery lost some. */
export class Rooms {
  readonly #port: RoomsPort;
  readonly #rooms = new Map<string, Room>();
  #cursor: string | undefined;
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(port: RoomsPort) {
    this.#port = port;
  }

  clear(): void {
    this.#rooms.clear();
    this.#cursor = undefined;
  }

  leave(room: string): void {
    this.#rooms.delete(room);
  }

  /** A message has come as an event. True: deliver it now. */
  arrived(message: Message): boolean {
    const { room: id, seq } = message;
    const known = this.#rooms.get(id);
    if (known === undefined) {
      this.#rooms.set(id, room(seq));
      return true;
    }
    if (seq <= known.found && seq > known.came) {
      known.came = seq;
      return true;
    }
    if (seq <= known.last) return false;
    if (!known.filling && seq === known.last + 1) {
      known.last = seq;
      known.wanted = Math.max(known.wanted, seq);
      return true;
    }
    // It comes after those before it.
    if (known.held.size < HELD_MAX) known.held.set(seq, message);
    this.#want(id, known, seq);
    return false;
  }

  /**
   * Finds out where rooms stand: at the start, and when events were lost. Cursor by cursor, as a device that was away does.
   * What fails here is tried again with the next connection.
   */
  look(): Promise<void> {
    // What is on its way may have been answered before the latest loss.
    this.#again = this.#looking !== undefined;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /**
   * A channel is followed from here on, and `rooms.changes` does not list it. The first time, it begins after its message `last`; later, what
   * was said while nobody listened is read.
   */
  async join(id: string, last: number): Promise<void> {
    if (this.#rooms.has(id)) await this.catchUp(id);
    else this.#rooms.set(id, room(last, last));
  }

  /** Reads what a room has that did not come. What fails here is told by the next message. */
  async catchUp(id: string): Promise<void> {
    const known = this.#rooms.get(id);
    if (known === undefined) return;
    const page = await this.#port.request("history", { room: id, after: known.last, limit: 1 });
    if (this.#rooms.get(id) === known) this.#want(id, known, page.last_seq);
  }

  /** Goes on with what a lost connection has kept from being read. */
  resume(): void {
    for (const [id, room] of this.#rooms) {
      if (room.wanted > room.last) this.#want(id, room, room.wanted);
    }
  }

  async #look(): Promise<void> {
    for (let page = 0; page < CHANGE_PAGES_MAX; page += 1) {
      const ask: Schemas["RoomsChangesGet"] = { limit: PAGE, ...(this.#cursor !== undefined && { changed_after: this.#cursor }) };
      const changes = await this.#port.request("rooms.changes", ask);
      this.#cursor = changes.cursor;
      for (const { room } of changes.left) this.leave(room);
      for (const { id, last_seq: seq } of changes.rooms) {
        const known = this.#rooms.get(id);
        if (known === undefined) this.#rooms.set(id, room(seq, seq));
        else this.#want(id, known, seq);
      }
      if (changes.more) continue;
      if (!this.#again) return;
      this.#again = false;
    }
  }

  #want(id: string, room: Room, seq: number): void {
    room.wanted = Math.max(room.wanted, seq);
    if (room.filling || room.wanted <= room.last) return;
    room.filling = true;
    this.#fill(id, room)
      .catch((error: unknown) => {
        if (this.#rooms.get(id) !== room) return;
        // What may pass is tried again with the next connection.
        if (!(error instanceof PlazaError) || !error.retry) this.#skip(id, room, room.wanted + 1);
      })
      .finally(() => {
        room.filling = false;
      });
  }

  async #fill(id: string, room: Room): Promise<void> {
    let tries = 0;
    while (room.wanted > room.last) {
      if (room.wanted - room.last > FILL_MAX) this.#skip(id, room, room.wanted - FILL_MAX + 1);
      const page = await this.#port.request("history", { room: id, after: room.last, limit: PAGE });
      // Left meanwhile, or somebody else's by now.
      if (this.#rooms.get(id) !== room) return;
      const news = page.messages.filter((message) => message.seq > room.last);
      if (news.length === 0) {
        // History knows no more: then nobody does.
        if (page.last_seq <= room.last) return this.#skip(id, room, room.wanted + 1);
        tries += 1;
        if (tries > STILL_WRITTEN_TRIES_MAX) throw new PlazaError("timed_out", "A message is still being written.", { retry: true });
        await this.#port.pause(tries);
      }
      for (const message of news) {
        this.#next(id, room, message);
      }
    }
  }

  /** Gives up what is missing before the message numbered `before`, and says so. What has come all the same is delivered. */
  #skip(id: string, room: Room, before: number): void {
    for (const message of [...room.held.values()].sort((a, b) => a.seq - b.seq)) {
      if (message.seq > room.last && message.seq < before) this.#next(id, room, message);
    }
    if (room.last >= before - 1) return;
    this.#port.gap({ room: id, after: room.last, before });
    room.last = before - 1;
  }

  #next(id: string, room: Room, message: Message): void {
    if (message.seq > room.last + 1) this.#port.gap({ room: id, after: room.last, before: message.seq });
    room.last = message.seq;
    room.held.delete(message.seq);
    if (!message.deleted_at) this.#port.deliver(message);
  }
}
