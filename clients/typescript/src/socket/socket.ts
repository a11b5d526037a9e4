import { BACKOFF, rest, waitMs, type Backoff } from "../backoff.js";
import type {
  Command, CommandFrame, Events, Frame, Happening, Happenings, Identified, Message, MessageSent, Refusal, Reply, Schemas, Signals, Taken, Topic,
} from "../contract.js";
import { Emitter } from "../emitter.js";
import { PlazaError } from "../errors.js";
import type { Session } from "../session.js";
import { uuid } from "../uuid.js";
import { next, type Next } from "./closing.js";
import { Connection, type End, type WebSocketClass } from "./connection.js";
import { Follows, type At, type Follower, type Resynced } from "./follow.js";
import { Outbox, type RequestOptions } from "./outbox.js";
import { Progress } from "./progress.js";
import { Rooms, type Gap } from "./rooms.js";

export type { Follower, Gap, RequestOptions, Resynced, WebSocketClass };

/** `waiting`: between two tries. `closed`: before `connect`, after `close`, or ended by the server for good. */
export type SocketState = "closed" | "connecting" | "ready" | "waiting";

/** A frame as it passed, without its tokens. */
export interface FrameSeen {
  direction: "in" | "out";
  frame: Frame | CommandFrame;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** Why the state changed. */
export interface StateInfo {
  /** Of `ready`: whether what was missed follows, or is to be read anew. */
  status?: Identified["status"];
  /** Of `waiting` and `closed`: what ended the connection. */
  error?: PlazaError;
  /** Of `waiting`: for how long. */
  waitMs?: number;
}

/** What {@link Socket.on} tells: events and signals by type, and what the socket itself has to say. */
export type SocketTold = { [K in keyof Happenings]: [happening: Happenings[K], at: At] } & {
  state: [state: SocketState, info: StateInfo];
  /** Read these topics' state anew. Messages are looked after by the socket itself. */
  resync: [why: Resynced];
  /** Messages that cannot be had, or are too many to be told one by one: read history. */
  gap: [gap: Gap];
  /** Each frame that passes, for those who want to see. */
  frame: [seen: FrameSeen];
};

export interface SocketSettings {
  /** Such as `ws://127.0.0.1:8080`. */
  url: string;
  WebSocket: WebSocketClass | undefined;
  backoff?: Backoff;
}

/** From the start of a connection to the reply to `identify`. */
const CONNECT_WITHIN_MS = 15_000;
/** A connection that was identified for this long ends a row of failures. */
const SETTLED_AFTER_MS = 60_000;

/** A WebSocket that stays: it comes back by itself, resumes, and hands on events in order, each once. */
export class Socket {
  readonly #settings: SocketSettings;
  readonly #backoff: Backoff;
  readonly #session: Session;
  readonly #told = new Emitter<SocketTold>();
  readonly #progress = new Progress();
  readonly #outbox: Outbox;
  readonly #rooms: Rooms;
  readonly #follows: Follows;
  #connection: Connection | undefined;
  #state: SocketState = "closed";
  /** Aborted to stop: one for each `connect`. */
  #stop: AbortController | undefined;
  /** Ids of our own commands on this connection. */
  #own = new Map<number, "identify" | "token.refresh">();
  #wake: (() => void) | undefined;

  constructor(settings: SocketSettings, session: Session) {
    this.#settings = settings;
    this.#backoff = settings.backoff ?? BACKOFF;
    this.#session = session;
    this.#outbox = new Outbox((frame) => this.#write(frame), this.#backoff);
    const request = <C extends Command>(op: C, d: Taken<C>) => this.request(op, d);
    this.#rooms = new Rooms({
      request,
      deliver: (message) => this.#deliver(message),
      gap: (gap) => this.#told.emit("gap", gap),
      pause: (failures) => rest(waitMs(this.#backoff, failures), this.#stop?.signal),
    });
    this.#follows = new Follows({
      request,
      follows: (topic) => this.#progress.follows(topic),
      leave: (topic) => this.#progress.leave(topic),
      signal: (topic, presence) => this.#tell(presence, { topic }),
    });
  }

  get state(): SocketState {
    return this.#state;
  }

  /** How many commands wait to be sent, or for their answer. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  /** Calls `handler` with what happens from now on; what it returns ends that. */
  on<K extends keyof SocketTold>(name: K, handler: (...what: SocketTold[K]) => void): () => void {
    return this.#told.on(name, handler);
  }

  /**
   * Follows one topic for as long as it is wanted, over reconnects: a room (also an open channel that one does not belong to), a
   * person's presence (`presence:usr_…`, whose present state is told first), or one's own. What it returns ends that.
   */
  follow(topic: `presence:${string}`, follower: Follower<Signals["presence"]>): () => void;
  follow(topic: Topic, follower: Follower): () => void;
  follow(topic: Topic, follower: Follower<never>): () => void {
    return this.#follows.add(topic, follower as Follower);
  }

  /** Connects, and stays connected until `close`. Done when connected for the first time; fails when that is not to be. */
  connect(): Promise<void> {
    if (this.#session.token === undefined) return Promise.reject(new PlazaError("signed_out", "Nobody is signed in."));
    if (this.#stop === undefined) {
      if (this.#settings.WebSocket === undefined) {
        const message = "There is no WebSocket here: give `new Plaza` one, such as that of the package `ws`.";
        return Promise.reject(new PlazaError("closed", message));
      }
      this.#stop = new AbortController();
      void this.#run(this.#settings.WebSocket, this.#stop.signal);
    }
    if (this.#state === "ready") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const off = this.on("state", (state, { error }) => {
        if (state !== "ready" && state !== "closed") return;
        off();
        if (state === "ready") resolve();
        else reject(error ?? new PlazaError("closed", "The socket was closed."));
      });
    });
  }

  /** Leaves, and forgets: what waits fails with `closed`, and the next `connect` begins anew. */
  close(): void {
    this.#close(new PlazaError("closed", "The socket was closed."));
  }

  /**
   * Sends a command and waits for its reply. Without a connection it waits for one, in a queue of {@link WAITING_MAX}; what comes to the same
   * when it is carried out twice is repeated over a lost connection, everything else fails with `interrupted` then.
   */
  request<C extends Command>(op: C, d: Taken<C>, options?: RequestOptions): Promise<Reply<C>> {
    const data = op === "message.send" ? { client_id: uuid(), ...d } : d;
    return this.#outbox.ask(op, data, options) as Promise<Reply<C>>;
  }

  /**
   * Says something in a room. It waits for a connection, and is repeated under one `client_id` until it is acknowledged, which means that it is
   * durable, or refused for good. Messages of a room are sent in the order of the calls.
   */
  send(room: string, text: string, more: { reply_to?: number; client_id?: string } & RequestOptions = {}): Promise<MessageSent> {
    const { timeoutMs, signal, ...rest } = more;
    const options = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal && { signal }) };
    return this.request("message.send", { room, text, ...rest }, options);
  }

  #close(error: PlazaError): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#connection?.leave("closed");
    this.#lost();
    this.#progress.clear();
    this.#rooms.clear();
    this.#outbox.fail(error);
    if (this.#state !== "closed") this.#enter("closed", { error });
  }

  async #run(WebSocket: WebSocketClass, stop: AbortSignal): Promise<void> {
    const online = () => this.#wake?.();
    globalThis.addEventListener?.("online", online);
    let failures = 0;
    let renewals = 0;
    while (!stop.aborted) {
      this.#enter("connecting", {});
      let readyAt = Number.POSITIVE_INFINITY;
      const { id: session, token } = this.#session;
      const after = await this.#live(WebSocket, token, () => {
        readyAt = Date.now();
        renewals = 0;
      });
      // Whoever stopped us has cleared up, and may have begun anew.
      if (stop.aborted) break;
      this.#lost();
      if (Date.now() - readyAt > SETTLED_AFTER_MS) failures = 0;
      let wait: number;
      if (after.do === "return") {
        wait = waitMs({ ...this.#backoff, longestMs: this.#backoff.firstMs }, 0, after.afterMs);
      } else if (after.do === "renew" && token !== undefined) {
        const renewed = await this.#renew(token);
        if (stop.aborted) break;
        renewals += 1;
        if (!renewed) failures += 1;
        // A server that refuses what it has just given out is not asked at once again.
        wait = renewed && renewals === 1 ? 0 : waitMs(this.#backoff, Math.max(failures, renewals));
      } else if (after.do === "retry") {
        failures += 1;
        wait = waitMs(this.#backoff, failures, after.why.retryAfterMs);
      } else {
        if (after.do === "sign_out") await this.#session.end(session);
        if (!stop.aborted) this.#close(after.why);
        break;
      }
      this.#enter("waiting", { error: after.why, waitMs: wait });
      await this.#rest(wait, stop);
    }
    globalThis.removeEventListener?.("online", online);
  }

  /** True: there is another access token now. False: not for the moment. */
  async #renew(token: string): Promise<boolean> {
    try {
      await this.#session.renewed(token);
      return true;
    } catch {
      // Where the session is over, its end has closed us.
      return false;
    }
  }

  async #rest(ms: number, stop: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    stop.addEventListener("abort", this.#wake);
    await rest(ms, woken.signal);
    stop.removeEventListener("abort", this.#wake);
    this.#wake = undefined;
  }

  /** One connection, from its start to its end. Says what to do then. */
  #live(WebSocket: WebSocketClass, token: string | undefined, ready: () => void): Promise<Next> {
    return new Promise((resolve) => {
      let refusal: Refusal | undefined;
      let advice: { after_ms: number } | undefined;
      const late = setTimeout(() => this.#connection?.leave("not connected in time"), CONNECT_WITHIN_MS);
      const ear = {
        frame: (frame: Frame) => {
          this.#seen("in", frame);
          switch (frame.t) {
            case "hello":
              this.#connection?.greeted(frame);
              this.#inFlightMax = frame.limits.commands_in_flight;
              this.#identify(token);
              break;
            case "reply":
              if (this.#own.get(frame.id) === "identify") {
                clearTimeout(late);
                ready();
                this.#identified(frame.d as Identified);
              }
              this.#reply(frame);
              break;
            case "error":
              if (frame.id === undefined) break;
              if (this.#own.get(frame.id) === "identify") refusal = frame.error;
              else if (!this.#own.delete(frame.id)) this.#outbox.refuse(frame.id, frame.error);
              break;
            case "reconnect":
              advice = frame;
              this.#connection?.leave("going away");
              break;
            default:
              this.#push(frame);
          }
        },
        silent: () => this.#probe(),
        end: (end: End) => {
          clearTimeout(late);
          const why = new PlazaError("unreachable", end.reason || "The server is going away.", { retry: true });
          if (advice) resolve({ do: "return", afterMs: advice.after_ms, why });
          else resolve(this.#resuming ? { do: "return", afterMs: 0, why } : next(end, refusal));
        },
      };
      this.#resuming = false;
      try {
        this.#connection = new Connection(WebSocket, `${this.#settings.url}/v1/socket`, CONNECT_WITHIN_MS, ear);
      } catch (cause) {
        clearTimeout(late);
        resolve({ do: "stop", why: new PlazaError("unreachable", "This is no address of a socket.", { cause }) });
      }
    });
  }

  #inFlightMax = 0;
  /** Left because of a hole: the next connection fills it. */
  #resuming = false;

  #lost(): void {
    this.#connection = undefined;
    this.#own.clear();
    this.#follows.shut();
    this.#outbox.shut();
  }

  #identify(token = ""): void {
    const resume = this.#progress.resume();
    this.#command("identify", { token, ...(resume && { resume }) });
  }

  #identified(identified: Identified): void {
    const { status, epoch, positions, gone = [] } = identified;
    if (status === "resumed") {
      this.#progress.place(positions);
      for (const topic of gone) this.#progress.leave(topic);
    } else {
      this.#progress.restart(epoch, positions);
    }
    this.#outbox.open(this.#inFlightMax);
    this.#enter("ready", { status });
    this.#follows.open();
    if (status === "resumed") this.#rooms.resume();
    else this.#look();
    if (status === "resync") this.#resync([]);
    else if (gone.length > 0) this.#resync(gone);
  }

  #reply(frame: Extract<Frame, { t: "reply" }>): void {
    this.#progress.place(frame.positions);
    if (!this.#own.delete(frame.id)) this.#outbox.reply(frame.id, frame.d);
  }

  #push(frame: Frame): void {
    if (frame.t === "event") {
      this.#progress.place(frame.positions);
      const arrival = this.#progress.event(frame.topic, frame.pos);
      if (arrival === "next") return this.#happened(frame.d, { topic: frame.topic, pos: frame.pos });
      if (arrival === "ahead") {
        this.#resuming = true;
        this.#connection?.leave("an event is missing");
      }
    } else if (frame.t === "signal") {
      this.#tell(frame.d, { topic: frame.topic });
    } else if (frame.t === "resync") {
      this.#progress.resync(frame.epoch, Object.fromEntries(frame.topics.map(({ topic, pos }) => [topic, pos])));
      // Many clients are told at once: they do not all ask at once.
      void rest(waitMs(this.#backoff, 0), this.#stop?.signal).then(() => this.#look());
      this.#resync(frame.topics.map(({ topic }) => topic));
    } else if (frame.t === "expiring") {
      void this.#refresh();
    }
  }

  #happened(happening: Happening, at: At): void {
    if (happening.type === "message.created") {
      if (!this.#rooms.arrived(happening.message)) return;
    } else if (happening.type === "room.left") {
      this.#progress.leave(happening.room);
      this.#rooms.leave(happening.room);
    }
    this.#tell(happening, at);
  }

  #deliver(message: Message): void {
    this.#tell({ type: "message.created", message }, { topic: message.room });
  }

  #tell(happening: Happening, at: At): void {
    // The name says the type, which the compiler cannot follow.
    this.#told.emit(happening.type as "typing", happening as Signals["typing"] & Events["message.created"], at);
    this.#follows.tell(happening, at);
  }

  #resync(topics: Topic[]): void {
    this.#told.emit("resync", { topics });
    this.#follows.resync({ topics });
  }

  /** Reads where the rooms stand. What fails is read with the next connection. */
  #look(): void {
    if (this.#state === "closed") return;
    this.#rooms.look().catch(() => {});
  }

  /** Hands in another access token before this one ends. */
  async #refresh(): Promise<void> {
    const { token } = this.#session;
    if (token === undefined || !(await this.#renew(token))) return;
    if (this.#state === "ready") this.#command("token.refresh", { token: this.#session.token });
  }

  /** Asks for a sign of life, with what changes nothing. */
  #probe(): void {
    if (this.#state === "ready") this.#command("token.refresh", { token: this.#session.token });
  }

  #command(op: "identify" | "token.refresh", d: object): void {
    const id = this.#outbox.takeId();
    this.#own.set(id, op);
    this.#write({ id, op, d });
  }

  #write(frame: CommandFrame): boolean {
    const written = this.#connection?.send(frame) ?? true;
    if (written) this.#seen("out", frame);
    return written;
  }

  #seen(direction: FrameSeen["direction"], frame: Frame | CommandFrame): void {
    const isSecret = "op" in frame && (frame.op === "identify" || frame.op === "token.refresh");
    const shown = isSecret ? { ...frame, d: { ...(frame.d as Schemas["Identify"]), token: "…" } } : frame;
    this.#told.emit("frame", { direction, frame: shown, at: Date.now() });
  }

  #enter(state: SocketState, info: StateInfo): void {
    this.#state = state;
    this.#told.emit("state", state, info);
  }
}
