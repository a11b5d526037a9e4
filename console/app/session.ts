// What happens when somebody signs in, out, or comes back.
import { effect, signal } from "@preact/signals";
import type { SocketState } from "@plaza/client";
import * as chat from "./chat";
import * as frames from "./frames";
import * as inbox from "./inbox";
import { me, plaza } from "./plaza";
import { remember } from "./people";

/** How the socket is. */
export const connection = signal<SocketState>("closed");

export async function begin(): Promise<void> {
  frames.listen();
  chat.listen();
  inbox.listen();
  plaza.socket.on("state", (state) => {
    connection.value = state;
  });
  // Rooms and inbox are small: whichever topic lost events, they are read as a whole.
  plaza.socket.on("resync", () => void readAll());
  plaza.socket.on("gap", ({ room }) => void chat.openRoom(room).catch(() => undefined));
  effect(() => {
    const person = me.value;
    if (person) {
      remember(person);
      // What changes between the first reading and the first word of the socket is told by neither.
      plaza.socket.connect().then(readAll).catch(() => undefined);
      void readAll();
    } else if (person === null) {
      chat.forget();
      inbox.forget();
      frames.frames.value = [];
    }
  });
  await plaza.restore().catch(() => undefined);
  me.value ??= plaza.person ?? null;
}

async function readAll(): Promise<void> {
  await Promise.all([chat.readAgain(), inbox.readUnread()]).catch(() => undefined);
}

export async function signIn(handle: string, password: string): Promise<void> {
  await plaza.logIn({ handle, password, device: { name: "Console", platform: "web" } });
}

export async function signUp(handle: string, name: string, password: string): Promise<void> {
  await plaza.register({ handle, name, password, device: { name: "Console", platform: "web" } });
}

export async function signOut(): Promise<void> {
  await plaza.logOut().catch(() => undefined);
}
