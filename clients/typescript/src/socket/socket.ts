import { BACKOFF, rest, waitMs, type Backoff } from "../backoff.js";
import type {
  Command, CommandFrame, Events, Frame, Happening, Identified, Message, MessageSent, Reply, Schemas, Signals, Taken, Topic,
} from "../contract.js";
import { Emitter } from "../emitter.js";
import { PlazaError } from "../errors.js";
import type { Session } from "../session.js";
import { uuid } from "../uuid.js";
import type { WebSocketClass } from "./connection.js";
import { Follows, type At, type Follower, type Resynced } from "./follow.js";
import { Keeper } from "./keeper.js";
import { isTooOld, Kept } from "./kept.js";
import { Outbox, type RequestOptions } from "./outbox.js";
import { Progress } from "./progress.js";
import { Rooms, type Gap } from "./rooms.js";
import type { FrameSeen, Restored, SocketSettings, SocketState, SocketTold, StateInfo } from "./told.js";

export type { Follower, FrameSeen, Gap, RequestOptions, Restored, Resynced, SocketState, SocketTold, StateInfo, WebSocketClass };

/** A WebSocket that stays: it comes back by itself, resumes, and hands on events in order, each once. */
export class Socket {
  readonly #settings: SocketSettings;
  readonly #backoff: Backoff;
  readonly #session: Session;
  readonly #told = new Emitter<SocketTold>();
  readonly #progress = new Progress();
  readonly #outbox: Outbox;
  readonly #kept: Kept;
  readonly #rooms: Rooms;
  readonly #follows: Follows;
  readonly #keeper: Keeper;
  #state: SocketState = "closed";
  /** Ids of our own commands on this connection. */
  readonly #own = new Map<number, "identify" | "token.refresh">();
  #inFlightMax = 0;
  /** The newest that an answer to `message.send` told. */
  #moment: string | undefined;

  constructor(settings: SocketSettings, session: Session) {
    this.#settings = settings;
    this.#backoff = settings.backoff ?? BACKOFF;
    this.#session = session;
    this.#outbox = new Outbox((frame) => this.#write(frame), this.#backoff);
    this.#kept = new Kept(settings.messages, () => session.account?.id);
    const request = <C extends Command>(op: C, d: Taken<C>) => this.request(op, d);
    this.#rooms = new Rooms({
      request,
      deliver: (message) => this.#deliver(message),
      gap: (gap) => this.#told.emit("gap", gap),
      pause: (failures) => rest(waitMs(this.#backoff, failures), this.#keeper.signal),
    });
    this.#follows = new Follows({
      request,
      follows: (topic) => this.#progress.follows(topic),
      leave: (topic) => this.#leave(topic),
      signal: (topic, presence) => this.#tell(presence, { topic }),
      // What fails is told by the next message of the channel.
      joined: (channel, last) => void this.#rooms.join(channel, last).catch(() => {}),
    });
    this.#keeper = new Keeper(settings, session, {
      hello: ({ limits }, token) => this.#identify(limits.commands_in_flight, token),
      frame: (frame) => this.#take(frame),
      seen: (frame) => this.#seen("in", frame),
      silent: () => this.#probe(),
      lost: () => this.#lost(),
      enter: (state, info) => this.#enter(state, info),
      stopped: (why) => this.#close(why),
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
    if (!this.#keeper.isRunning) {
      if (this.#settings.WebSocket === undefined) {
        const message = "There is no WebSocket here: give `new Plaza` one, such as that of the package `ws`.";
        return Promise.reject(new PlazaError("closed", message));
      }
      this.#keeper.start(this.#settings.WebSocket);
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
    const ask = (data: unknown) => this.#outbox.ask(op, data, options);
    if (op !== "message.send") return ask(d) as Promise<Reply<C>>;
    const message = this.#message(d as Taken<"message.send">);
    return this.#kept.send(message, () => this.#sent(ask(message))) as Promise<Reply<C>>;
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

  /**
   * Queues what this person left unsent when the page or the program ended (`messages` of the settings), and tells each as `restored`. Called by
   * `Plaza` whenever somebody signs in or comes back.
   */
  async restore(): Promise<void> {
    for (const kept of await this.#kept.load()) {
      const { message } = kept;
      const late = () => Promise.reject(new PlazaError("interrupted", "It may have been said already, too long ago to ask."));
      const send = () => this.#sent(this.#outbox.ask("message.send", message));
      const sent = this.#kept.resend(kept, isTooOld(kept, Date.now()) ? late : send);
      // Whoever wants to know is told below.
      sent.catch(() => {});
      this.#told.emit("restored", { message, sent });
    }
  }

  /** Names it; with a name that is made here goes since when it can be there at most. */
  #message(d: Taken<"message.send">): Schemas["MessageSend"] {
    const { client_id, ...rest } = d;
    if (client_id !== undefined) return { ...rest, client_id };
    return { ...(this.#moment !== undefined && { made_after: this.#moment }), ...rest, client_id: uuid() };
  }

  async #sent(answer: Promise<unknown>): Promise<MessageSent> {
    const sent = (await answer) as MessageSent;
    this.#moment = sent.moment ?? this.#moment;
    return sent;
  }

  #close(error: PlazaError): void {
    this.#keeper.stop();
    this.#progress.clear();
    this.#rooms.clear();
    this.#outbox.fail(error);
    if (this.#state !== "closed") this.#enter("closed", { error });
  }

  #lost(): void {
    this.#own.clear();
    this.#follows.shut();
    this.#outbox.shut();
  }

  #identify(inFlightMax: number, token: string): void {
    this.#inFlightMax = inFlightMax;
    const resume = this.#progress.resume();
    this.#command("identify", { token, ...(resume && { resume }) });
  }

  #take(frame: Frame): void {
    switch (frame.t) {
      case "reply":
        this.#progress.place(frame.positions);
        if (this.#own.get(frame.id) === "identify") this.#identified(frame.d as Identified);
        if (!this.#own.delete(frame.id)) this.#outbox.reply(frame.id, frame.d);
        break;
      case "error":
        if (frame.id === undefined) break;
        if (this.#own.get(frame.id) === "identify") this.#keeper.refused(frame.error);
        if (!this.#own.delete(frame.id)) this.#outbox.refuse(frame.id, frame.error);
        break;
      case "event":
        this.#event(frame);
        break;
      case "signal":
        this.#tell(frame.d, { topic: frame.topic });
        break;
      case "resync":
        this.#progress.resync(frame.epoch, Object.fromEntries(frame.topics.map(({ topic, pos }) => [topic, pos])));
        // Many clients are told at once: they do not all ask at once.
        void rest(waitMs(this.#backoff, 0), this.#keeper.signal).then(() => this.#look());
        this.#resync(frame.topics.map(({ topic }) => topic));
        break;
      case "expiring":
        void this.#refresh();
        break;
      default:
        // How the protocol grows.
    }
  }

  #identified(identified: Identified): void {
    const { status, epoch, positions, gone = [] } = identified;
    this.#keeper.identified();
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

  #event(frame: Extract<Frame, { t: "event" }>): void {
    this.#progress.place(frame.positions);
    const arrival = this.#progress.event(frame.topic, frame.pos);
    if (arrival === "next") this.#happened(frame.d, { topic: frame.topic, pos: frame.pos });
    else if (arrival === "ahead") this.#keeper.resume("an event is missing");
  }

  #happened(happening: Happening, at: At): void {
    if (happening.type === "message.created") {
      if (!this.#rooms.arrived(happening.message)) return;
    } else if (happening.type === "room.left") {
      this.#leave(happening.room);
    }
    this.#tell(happening, at);
  }

  #leave(topic: Topic): void {
    this.#progress.leave(topic);
    this.#rooms.leave(topic);
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

  /** Reads where the rooms stand, and the channels, which `rooms.changes` does not list. What fails is read with the next connection. */
  #look(): void {
    if (this.#state === "closed") return;
    const channels = this.#follows.channels().map((channel) => this.#rooms.catchUp(channel));
    for (const looking of [this.#rooms.look(), ...channels]) looking.catch(() => {});
  }

  /** Hands in another access token before this one ends. */
  async #refresh(): Promise<void> {
    const { token } = this.#session;
    if (token === undefined || !(await this.#keeper.renew(token))) return;
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
    const written = this.#keeper.send(frame);
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
