import type { Happening, Happenings, Reply, Schemas, Taken, Topic } from "../contract.js";
import { PlazaError } from "../errors.js";

/** Where something happened. */
export interface At {
  topic: Topic;
  /** Its number in the topic. Absent: a signal, or a message that was read from history. */
  pos?: number;
}

/** Events of these topics were lost and will not come: read their state anew. */
export interface Resynced {
  /** Empty: all. */
  topics: Topic[];
}

/** Somebody who follows a topic. */
export interface Follower<H extends Happening = Happening> {
  happening(happening: H, at: At): void;
  resync?(why: Resynced): void;
  /** The server does not let us follow. */
  failed?(error: PlazaError): void;
}

/** What this needs of the socket. */
export interface FollowPort {
  request<C extends "channel.follow" | "channel.unfollow" | "presence.watch" | "presence.unwatch">(
    op: C, d: Taken<C>): Promise<Reply<C>>;
  follows(topic: Topic): boolean;
  leave(topic: Topic): void;
  signal(topic: Topic, presence: Happenings["presence"]): void;
  /** A channel is followed, whose newest message was this one when it was asked for. */
  joined(room: Topic, last: number): void;
}

const PRESENCE = "presence:";
/** People in one `presence.watch`. */
const WATCH_MAX = 200;

/** Keeps what is followed by commands followed: open channels, and the presence of people. */
export class Follows {
  readonly #port: FollowPort;
  readonly #followers = new Map<Topic, Set<Follower>>();
  #ready = false;
  #queued = false;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  /** People whom the server tells us about, on this connection. */
  #watched = new Set<string>();
  /** Rooms that we do not belong to, and asked for. */
  readonly #channels = new Set<Topic>();

  constructor(port: FollowPort) {
    this.#port = port;
  }

  add(topic: Topic, follower: Follower): () => void {
    const followers = this.#followers.get(topic) ?? new Set();
    this.#followers.set(topic, followers);
    followers.add(follower);
    this.#soon();
    return () => {
      if (!followers.delete(follower) || followers.size > 0) return;
      if (this.#followers.get(topic) === followers) this.#followers.delete(topic);
      this.#unfollow(topic);
    };
  }

  tell(happening: Happening, at: At): void {
    for (const follower of [...(this.#followers.get(at.topic) ?? [])]) follower.happening(happening, at);
  }

  resync(why: Resynced): void {
    for (const [topic, followers] of this.#followers) {
      if (why.topics.length > 0 && !why.topics.includes(topic)) continue;
      for (const follower of [...followers]) follower.resync?.(why);
    }
  }

  /** Open channels that the server tells us about since we asked for it. */
  channels(): Topic[] {
    return [...this.#channels].filter((channel) => this.#port.follows(channel));
  }

  /** The connection is identified. */
  open(): void {
    this.#ready = true;
    this.#watched.clear();
    this.#soon();
  }

  shut(): void {
    this.#ready = false;
    clearTimeout(this.#refresh);
  }

  /** What is asked for in one turn goes out together. */
  #soon(): void {
    if (this.#queued || !this.#ready) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      if (!this.#ready) return;
      for (const topic of this.#followers.keys()) {
        if (topic.startsWith("room_") && !this.#port.follows(topic)) this.#channel(topic);
      }
      const people = this.#people().filter((user) => !this.#watched.has(user));
      if (people.length > 0) void this.#watch(people);
    });
  }

  #people(): string[] {
    return [...this.#followers.keys()].filter((topic) => topic.startsWith(PRESENCE)).map((topic) => topic.slice(PRESENCE.length));
  }

  #channel(room: Topic): void {
    this.#channels.add(room);
    // The reply's positions say that it is followed.
    this.#port.request("channel.follow", { room }).then(
      ({ last_seq: last }) => this.#port.joined(room, last),
      (error: unknown) => this.#failed(room, error),
    );
  }

  async #watch(people: string[]): Promise<void> {
    for (const user of people) this.#watched.add(user);
    for (let from = 0; from < people.length; from += WATCH_MAX) {
      const users = people.slice(from, from + WATCH_MAX);
      let watched: Schemas["PresenceWatched"];
      try {
        watched = await this.#port.request("presence.watch", { users });
      } catch (error) {
        for (const user of users) {
          this.#watched.delete(user);
          this.#failed(PRESENCE + user, error);
        }
        continue;
      }
      for (const { user, state } of watched.people) {
        this.#port.signal(PRESENCE + user, { type: "presence", user, state, at: watched.at });
      }
      // Signals may get lost; asking again finds what they told.
      clearTimeout(this.#refresh);
      if (this.#ready) this.#refresh = setTimeout(() => void this.#watch(this.#people()), watched.refresh_after_ms);
    }
  }

  #unfollow(topic: Topic): void {
    const isChannel = this.#channels.delete(topic);
    if (isChannel) this.#port.leave(topic);
    if (!this.#ready) return;
    // The connection may end before the answer, and with it what is followed.
    const ignore = () => {};
    if (topic.startsWith(PRESENCE)) {
      const user = topic.slice(PRESENCE.length);
      this.#watched.delete(user);
      this.#port.request("presence.unwatch", { users: [user] }).catch(ignore);
    } else if (isChannel) {
      this.#port.request("channel.unfollow", { room: topic }).then(() => this.#port.leave(topic), ignore);
    }
  }

  #failed(topic: Topic, error: unknown): void {
    this.#channels.delete(topic);
    const why = error instanceof PlazaError ? error : new PlazaError("unreadable", String(error), { cause: error });
    for (const follower of [...(this.#followers.get(topic) ?? [])]) follower.failed?.(why);
  }
}

