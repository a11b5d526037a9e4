// What the specs say, under the names that this package uses for it.
import type { components, paths as Paths } from "./generated/specs.js";

export type { Paths };

/** Every payload by its name in the specs: `Schemas["Room"]`. */
export type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Identified = Schemas["Identified"];
export type Message = Schemas["Message"];
export type MessageSent = Schemas["MessageSent"];
export type Problem = Schemas["Problem"];
export type Refusal = Schemas["SocketRefusal"];
export type Resync = Schemas["Resync"];
export type SignedIn = Schemas["SignedIn"];
export type Tokens = Schemas["Tokens"];

/** What each event brings, by type. */
export type Events = Schemas["SocketEvents"];
/** What each signal brings, by type. */
export type Signals = Schemas["SocketSignals"];
/** What happens: numbered events, and signals of the moment. */
export type Happenings = Events & Signals;
export type Happening = Happenings[keyof Happenings];

/** What the socket itself takes care of. */
type Own = "identify" | "token.refresh";
/** A name of a command. */
export type Command = Exclude<keyof Schemas["SocketCommands"], Own>;
/** What a command takes. A message without a `client_id` gets one. */
export type Taken<C extends Command> = C extends "message.send"
  ? Omit<Schemas["MessageSend"], "client_id"> & { client_id?: string }
  : Schemas["SocketCommands"][C];
/** What a command answers. */
export type Reply<C extends Command> = Schemas["SocketReplies"][C];

/** A stream of events: a person's own (`usr_…`), a room's (`room_…`), a person's presence (`presence:usr_…`). */
export type Topic = Schemas["Topic"];
export type Positions = Schemas["Positions"];

/** A frame of the server. */
export type Frame =
  | Schemas["Hello"]
  | { t: "reply"; id: number; d: unknown; positions?: Positions }
  | { t: "error"; id?: number; error: Refusal }
  | { t: "event"; topic: Topic; pos: number; d: Happening; positions?: Positions }
  | { t: "signal"; topic: Topic; d: Happening }
  | Resync
  | Schemas["Reconnect"]
  | Schemas["Expiring"];

/** A frame of ours. */
export interface CommandFrame {
  id: number;
  op: string;
  d: unknown;
}
