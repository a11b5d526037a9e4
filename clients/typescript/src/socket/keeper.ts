import { BACKOFF, rest, waitMs, type Backoff } from "../backoff.js";
import type { CommandFrame, Frame, Refusal, Schemas } from "../contract.js";
import { PlazaError } from "../errors.js";
import type { Session } from "../session.js";
import { next, type Next } from "./closing.js";
import { Connection, type End, type WebSocketClass } from "./connection.js";
import type { SocketSettings, SocketState, StateInfo } from "./told.js";

/** Hears what becomes of the connection. */
export interface KeeperEar {
  /** The server's first frame: time to identify with this token, and to say `identified` or `refused`. */
  hello(hello: Schemas["Hello"], token: string): void;
  /** Every other frame. */
  frame(frame: Frame): void;
  /** Every frame, as it passed. */
  seen(frame: Frame): void;
  /** Nothing was heard for a heartbeat. */
  silent(): void;
  /** There is no connection any more, or not yet. */
  lost(): void;
  enter(state: SocketState, info: StateInfo): void;
  /** Coming back would end the same way. */
  stopped(why: PlazaError): void;
}

/** From the start of a connection to the reply to `identify`. */
const CONNECT_WITHIN_MS = 15_000;
/** A connection that was identified for this long ends a row of failures. */
const SETTLED_AFTER_MS = 60_000;

/** Keeps one connection: after each it comes back, in its time, with a token that is good, for as long as that makes sense. */
export class Keeper {
  readonly #settings: SocketSettings;
  readonly #backoff: Backoff;
  readonly #session: Session;
  readonly #ear: KeeperEar;
  #connection: Connection | undefined;
  /** Aborted to stop: one for each start. */
  #stop: AbortController | undefined;
  #wake: (() => void) | undefined;
  /** Of the connection of now: called when it is identified. */
  #ready: (() => void) | undefined;
  #refusal: Refusal | undefined;
  /** Left because of a hole: the next connection fills it. */
  #resuming = false;

  constructor(settings: SocketSettings, session: Session, ear: KeeperEar) {
    this.#settings = settings;
    this.#backoff = settings.backoff ?? BACKOFF;
    this.#session = session;
    this.#ear = ear;
  }

  get isRunning(): boolean {
    return this.#stop !== undefined;
  }

  /** Over when this was stopped. */
  get signal(): AbortSignal | undefined {
    return this.#stop?.signal;
  }

  start(WebSocket: WebSocketClass): void {
    this.#stop = new AbortController();
    void this.#run(WebSocket, this.#stop.signal);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#connection?.leave("closed");
    this.#connection = undefined;
    this.#ear.lost();
  }

  /** Writes a command; false when it is longer than the server reads. */
  send(frame: CommandFrame): boolean {
    return this.#connection?.send(frame) ?? true;
  }

  identified(): void {
    this.#ready?.();
  }

  /** `identify` was refused; the server closes the connection. */
  refused(refusal: Refusal): void {
    this.#refusal = refusal;
  }

  /** Leaves, and comes back at once. */
  resume(reason: string): void {
    this.#resuming = true;
    this.#connection?.leave(reason);
  }

  /** True: there is another access token than this now. False: not for the moment. */
  async renew(token: string): Promise<boolean> {
    try {
      await this.#session.renewed(token);
      return true;
    } catch {
      // Where the session is over, its end has closed us.
      return false;
    }
  }

  async #run(WebSocket: WebSocketClass, stop: AbortSignal): Promise<void> {
    // A network that is back is no reason to wait on.
    const online = () => this.#wake?.();
    globalThis.addEventListener?.("online", online);
    let failures = 0;
    let renewals = 0;
    while (!stop.aborted) {
      this.#ear.enter("connecting", {});
      let readyAt = Number.POSITIVE_INFINITY;
      this.#ready = () => {
        readyAt = Date.now();
        renewals = 0;
      };
      const { id: session, token = "" } = this.#session;
      const after = await this.#live(WebSocket, token);
      // Whoever stopped us has cleared up, and may have begun anew.
      if (stop.aborted) break;
      this.#connection = undefined;
      this.#ear.lost();
      if (Date.now() - readyAt > SETTLED_AFTER_MS) failures = 0;
      let wait: number;
      if (after.do === "return") {
        wait = waitMs({ ...this.#backoff, longestMs: this.#backoff.firstMs }, 0, after.afterMs);
      } else if (after.do === "renew") {
        const renewed = await this.renew(token);
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
        if (!stop.aborted) this.#ear.stopped(after.why);
        break;
      }
      this.#ear.enter("waiting", { error: after.why, waitMs: wait });
      await this.#rest(wait, stop);
    }
    globalThis.removeEventListener?.("online", online);
  }

  async #rest(ms: number, stop: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#wake = wake;
    stop.addEventListener("abort", wake);
    await rest(ms, woken.signal);
    stop.removeEventListener("abort", wake);
    if (this.#wake === wake) this.#wake = undefined;
  }

  /** One connection, from its start to its end. Says what to do then. */
  #live(WebSocket: WebSocketClass, token: string): Promise<Next> {
    this.#resuming = false;
    this.#refusal = undefined;
    return new Promise((resolve) => {
      let advice: Schemas["Reconnect"] | undefined;
      const late = setTimeout(() => connection.leave("not connected in time"), CONNECT_WITHIN_MS);
      const ready = this.#ready;
      this.#ready = () => {
        clearTimeout(late);
        ready?.();
      };
      const frame = (frame: Frame) => {
        this.#ear.seen(frame);
        if (frame.t === "hello") {
          connection.greeted(frame);
          this.#ear.hello(frame, token);
        } else if (frame.t === "reconnect") {
          advice = frame;
          connection.leave("going away");
        } else {
          this.#ear.frame(frame);
        }
      };
      const end = (end: End) => {
        clearTimeout(late);
        const why = new PlazaError("unreachable", end.reason || "The server is going away.", { retry: true });
        if (advice) resolve({ do: "return", afterMs: advice.after_ms, why });
        else resolve(this.#resuming ? { do: "return", afterMs: 0, why } : next(end, this.#refusal));
      };
      let connection: Connection;
      try {
        connection = new Connection(WebSocket, `${this.#settings.url}/v1/socket`, CONNECT_WITHIN_MS, { frame, end, silent: () => this.#ear.silent() });
        this.#connection = connection;
      } catch (cause) {
        clearTimeout(late);
        resolve({ do: "stop", why: new PlazaError("unreachable", "This is no address of a socket.", { cause }) });
      }
    });
  }
}
