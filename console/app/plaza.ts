// The one client of this page, and whom it belongs to.
import { signal } from "@preact/signals";
import { Plaza, PlazaError, webMessages, webTokens, type Account, type MessageSent, type Schemas } from "@plaza/client";

export type { Account, MessageSent };
export type Content = Schemas["Content"];
export type FeedItem = Schemas["FeedItem"];
export type Hit = Schemas["Hit"];
export type Message = Schemas["Message"];
export type Notification = Schemas["Notification"];
export type Person = Schemas["Person"];
export type Reaction = Schemas["Reaction"];
export type Room = Schemas["Room"];
export type Summary = Schemas["PersonSummary"];
export type TrayEntry = Schemas["TrayEntry"];
export type Why = Schemas["Why"];
/** How somebody is seen. */
export type Presence = Schemas["PersonPresence"]["state"];

/** Each window is a person of its own, so that two can talk on one screen. */
export const plaza = new Plaza({ url: location.origin, tokens: webTokens(sessionStorage), messages: webMessages(sessionStorage) });

/** Who is signed in here; `undefined` until that is known. */
export const me = signal<Account | null | undefined>(undefined);

plaza.on("person", (person) => {
  me.value = person ?? null;
});

/** A failure as one sentence. */
export function sentence(error: unknown): string {
  if (!(error instanceof PlazaError)) return "Something went wrong in this page.";
  if (error.code === "unreachable") return "Plaza does not answer. It may be starting again.";
  return error.message;
}
