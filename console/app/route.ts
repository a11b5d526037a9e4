// Where the reader is: behind the `#`, so that no address but `/` has to be served.
import { signal } from "@preact/signals";

export interface Route {
  /** `/rooms/room_…` → `["rooms", "room_…"]`; the feed: `[]`. */
  path: string[];
  query: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.slice(1).split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

export const route = signal<Route>(read());

addEventListener("hashchange", () => {
  const before = route.value.path.join("/");
  route.value = read();
  if (before !== route.value.path.join("/")) scrollTo(0, 0);
});

/** The address of a view: `link("people", handle)`. */
export function link(...path: string[]): string {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

export function go(address: string): void {
  location.hash = address;
}

/** Like `go`, without a step in the history. */
export function goInstead(address: string): void {
  history.replaceState(null, "", address);
  route.value = read();
}
