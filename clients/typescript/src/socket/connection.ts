import type { CommandFrame, Frame, Schemas } from "../contract.js";

/** What this package needs of a WebSocket: that of browsers, of Node 22, or of the package `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
}
export type WebSocketClass = new (url: string, protocol: string) => WebSocketLike;

/** Why a connection ended. */
export interface End {
  /** The server's close code; 1006 when there was none; 0 when it was us. */
  code: number;
  reason: string;
}

export const SUBPROTOCOL = "plaza.v1.json";
const OPEN = 1;
const LOST = 1006;

/** Sees every frame of a connection, and its end. */
export interface Ear {
  frame(frame: Frame): void;
  /** Nothing was heard for a heartbeat: time to ask for a sign of life. */
  silent(): void;
  end(end: End): void;
}

/**
 * One WebSocket. Its ear hears of one end, after which it hears nothing.
 *
 * Pages cannot see the server's pings, and a network may swallow packets without a word. So when nothing has come for
 * `heartbeat_ms`, the ear is told to ask something, and a connection that says nothing for as long again is given up.
 */
export class Connection {
  readonly #socket: WebSocketLike;
  readonly #ear: Ear;
  #heartbeatMs: number;
  #frameBytesMax = Number.POSITIVE_INFINITY;
  #heardAt = Date.now();
  #askedAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** `helloWithinMs`: from the start to the server's first frame. */
  constructor(WebSocket: WebSocketClass, url: string, helloWithinMs: number, ear: Ear) {
    this.#ear = ear;
    this.#heartbeatMs = helloWithinMs;
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.onmessage = (event: { data: unknown }) => this.#hear(event.data);
    this.#socket.onclose = (event: { code?: number; reason?: string }) => this.#end({ code: event.code || LOST, reason: event.reason ?? "" });
    // A close follows, which says what there is to say.
    this.#socket.onerror = () => {};
    this.#askedAt = Date.now();
    this.#watch();
  }

  greeted(hello: Schemas["Hello"]): void {
    this.#heartbeatMs = hello.heartbeat_ms;
    this.#frameBytesMax = hello.limits.frame_bytes;
    this.#watch();
  }

  /** Writes a command; false when it is longer than the server reads. What is written to a lost connection is lost. */
  send(frame: CommandFrame): boolean {
    const text = JSON.stringify(frame);
    // No character has more than three bytes for each of its code units.
    if (text.length * 3 > this.#frameBytesMax && new TextEncoder().encode(text).length > this.#frameBytesMax) return false;
    if (this.#socket.readyState === OPEN) this.#socket.send(text);
    return true;
  }

  /** Leaves, without waiting for the server. */
  leave(reason: string): void {
    this.#end({ code: 0, reason });
  }

  #hear(data: unknown): void {
    if (this.#ended) return;
    this.#heardAt = Date.now();
    this.#askedAt = undefined;
    let frame: Frame;
    try {
      frame = JSON.parse(String(data)) as Frame;
    } catch {
      return this.leave("a frame that is not JSON");
    }
    this.#ear.frame(frame);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    const since = this.#askedAt ?? this.#heardAt;
    this.#timer = setTimeout(() => this.#look(), Math.max(0, since + this.#heartbeatMs - Date.now()));
  }

  /** A heartbeat has passed since something was heard, or asked, when this was set up. */
  #look(): void {
    const now = Date.now();
    if (this.#askedAt !== undefined) {
      if (now - this.#askedAt >= this.#heartbeatMs) return this.leave("the server is silent");
    } else if (now - this.#heardAt >= this.#heartbeatMs) {
      this.#askedAt = now;
      this.#ear.silent();
    }
    this.#watch();
  }

  #end(end: End): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    try {
      this.#socket.close(1000);
    } catch {
      // Not open yet, in some implementations: it closes by itself.
    }
    this.#ear.end(end);
  }
}
