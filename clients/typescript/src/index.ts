/** Plaza from TypeScript and JavaScript: REST, and a socket that comes back by itself. */
export { BACKOFF, type Backoff } from "./backoff.js";
export type {
  Account, Command, Events, Frame, Happening, Happenings, Identified, Message, MessageSent, Paths, Positions, Problem, Refusal, Reply,
  Resync, Schemas, SignedIn, Signals, Taken, Tokens, Topic,
} from "./contract.js";
export { PlazaError, type ClientCode } from "./errors.js";
export { webMessages, type KeptMessage, type MessageStore } from "./messages.js";
export { Plaza, type PlazaSettings } from "./plaza.js";
export type { Answer, Ask, Method, PathOf, Rest, Whole } from "./rest.js";
export type { Follower, FrameSeen, Gap, RequestOptions, Restored, Resynced, Socket, SocketState, SocketTold, StateInfo, WebSocketClass } from "./socket/socket.js";
export { memoryTokens, webTokens, type TokenStore } from "./tokens.js";
