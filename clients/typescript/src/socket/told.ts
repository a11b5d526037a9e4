// What a socket tells, and what it is told at its start.
import type { Backoff } from "../backoff.js";
import type { CommandFrame, Frame, Happenings, Identified, MessageSent, Schemas } from "../contract.js";
import type { PlazaError } from "../errors.js";
import type { MessageStore } from "../messages.js";
import type { WebSocketClass } from "./connection.js";
import type { At, Resynced } from "./follow.js";
import type { Gap } from "./rooms.js";

export interface SocketSettings {
  /** Such as `ws://127.0.0.1:8080`. */
  url: string;
  WebSocket: WebSocketClass | undefined;
  backoff?: Backoff;
  messages?: MessageStore;
}

/** `waiting`: between two tries. `closed`: before `connect`, after `close`, or ended by the server for good. */
export type SocketState = "closed" | "connecting" | "ready" | "waiting";

/** Why the state changed. */
export interface StateInfo {
  /** Of `ready`: whether what was missed follows, or is to be read anew. */
  status?: Identified["status"];
  /** Of `waiting` and `closed`: what ended the connection. */
  error?: PlazaError;
  /** Of `waiting`: for how long. */
  waitMs?: number;
}

/** A frame as it passed, without its tokens. */
export interface FrameSeen {
  direction: "in" | "out";
  frame: Frame | CommandFrame;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** A message of a former page or program, which waits to be sent now. */
export interface Restored {
  message: Schemas["MessageSend"];
  /** What `send` would have told. */
  sent: Promise<MessageSent>;
}

/** What `Socket.on` tells: events and signals by type, and what the socket itself has to say. */
export type SocketTold = { [K in keyof Happenings]: [happening: Happenings[K], at: At] } & {
  state: [state: SocketState, info: StateInfo];
  /** Read these topics' state anew. Messages are looked after by the socket itself. */
  resync: [why: Resynced];
  /** Messages that cannot be had, or are too many to be told one by one: read history. */
  gap: [gap: Gap];
  /** Left unsent when the page or the program ended, and queued again. */
  restored: [restored: Restored];
  /** Each frame that passes, for those who want to see. */
  frame: [seen: FrameSeen];
};
