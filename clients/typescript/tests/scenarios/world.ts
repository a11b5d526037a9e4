// What a scenario has, in Node and in a browser alike: a Plaza to talk to, and hands that break things.
import { Plaza, webMessages, webTokens, type MessageSent, type PlazaSettings, type WebSocketClass } from "../../src/index.js";

export interface World {
  url: string;
  /** Absent where the runtime has one. */
  WebSocket?: WebSocketClass;
  /** What happens to the network and the server, from outside. */
  hands: Hands;
}

/** All of it can cross into a page: plain data in and out. */
export interface Hands {
  /** Breaks every connection. */
  cut(): Promise<void>;
  /** On the sockets that are open now, what the server says gets lost on the way; what clients say arrives. */
  muffle(): Promise<void>;
  /** Kills the server (SIGKILL), and leaves it dead. */
  kill(): Promise<void>;
  /** Starts it on what it has kept. */
  start(): Promise<void>;
  /** What the scripted server was sent so far. */
  heard(): Promise<Heard[]>;
  /** The scripted server's next words, to every connection. */
  say(frame: object): Promise<void>;
  /** Ends every connection with this code. */
  hangUp(code: number): Promise<void>;
  /** Does something at the scripted server otherwise than usual. */
  set(wish: Wish): Promise<void>;
}

export interface Heard {
  connection: number;
  op: string;
  d: Record<string, unknown>;
}

/** How the scripted server behaves. */
export interface Wish {
  /** Says nothing any more, to anybody who is connected now. */
  silent?: boolean;
  /** What it names in its next hello. */
  heartbeatMs?: number;
  /** Refuses this command so many times with this code. */
  refuse?: { op: string; code: string; retry: boolean; times: number };
  /** Leaves this command unanswered, once. */
  ignore?: string;
  /** Takes no access token older than the next one. */
  expireToken?: boolean;
  /** Fails so many requests with 503. */
  fail?: number;
  /** How it answers an `identify` with `resume`. */
  resume?: "resumed" | "resync";
  /** Messages that history has in each room, numbered from 1. */
  messages?: number;
}

const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 5;

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export function same(actual: unknown, expected: unknown, what = "not the same"): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}:\n  ${left}\nshould be\n  ${right}`);
}

/** The error that this fails with. */
export async function failure(doing: Promise<unknown>): Promise<{ code: string; status: number; retryAfterMs: number | undefined }> {
  try {
    await doing;
  } catch (error) {
    return error as { code: string; status: number; retryAfterMs: number | undefined };
  }
  throw new Error("it should have failed");
}

export const BACKOFF = { firstMs: 20, longestMs: 200 };

/** Everybody whom this scenario has made. */
const clients: Plaza[] = [];

export function client(world: World, settings: Partial<PlazaSettings> = {}): Plaza {
  const plaza = new Plaza({ url: world.url, ...(world.WebSocket && { WebSocket: world.WebSocket }), backoff: BACKOFF, ...settings });
  clients.push(plaza);
  return plaza;
}

/** A window whose page ends without a word, and begins anew with what the storage has kept. */
export class Window {
  readonly #storage = storage();
  readonly messages = webMessages(this.#storage);
  readonly #world: World;
  #end: (() => void) | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** The page that was there is heard of no more: it neither hears nor connects. */
  page(): Plaza {
    this.#end?.();
    let ended = false;
    this.#end = () => (ended = true);
    const Real = this.#world.WebSocket ?? (globalThis.WebSocket as WebSocketClass);
    const deaf = { readyState: 0, send: () => {}, close: () => {}, onopen: null, onmessage: null, onclose: null, onerror: null };
    const Mortal = function (url: string, protocol: string) {
      return ended ? deaf : new Real(url, protocol);
    } as unknown as WebSocketClass;
    return client(this.#world, { tokens: webTokens(this.#storage), messages: this.messages, WebSocket: Mortal });
  }
}

/** That of the browser, or one like it. */
type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const storage = (): Kept => (typeof document === "undefined" ? storageOf(new Map()) : sessionStorage);

/** As browsers have it, in memory. */
export function storageOf(kept: Map<string, string>): Kept {
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}

/** What a page tells of the messages that the one before it left. */
export function restored(plaza: Plaza): { texts: string[]; sent: Promise<MessageSent>[] } {
  const told = { texts: [] as string[], sent: [] as Promise<MessageSent>[] };
  plaza.socket.on("restored", ({ message, sent }) => {
    told.texts.push(message.text);
    told.sent.push(sent);
  });
  return told;
}

/** Runs a scenario, and sends everybody home. */
export async function play(scenario: (world: World) => Promise<void>, world: World): Promise<void> {
  try {
    await scenario(world);
  } finally {
    for (const plaza of clients.splice(0)) plaza.socket.close();
  }
}

export const PASSWORD = "a long enough passphrase";

/** A new person, whose handle nobody else has. */
export async function person(world: World, name: string, settings: Partial<PlazaSettings> = {}): Promise<Plaza> {
  return registered(client(world, settings), name);
}

export async function registered(plaza: Plaza, name: string): Promise<Plaza> {
  const handle = `${name}_${Math.random().toString(36).slice(2, 12)}`.toLowerCase();
  await plaza.register({ handle, name, password: PASSWORD });
  return plaza;
}

/** The texts of a room's messages as this client hears them. */
export function texts(plaza: Plaza, room: string): string[] {
  const heard: string[] = [];
  plaza.socket.on("message.created", ({ message }) => {
    if (message.room === room) heard.push(message.text);
  });
  return heard;
}

export const numbered = (count: number, word = "message"): string[] => Array.from({ length: count }, (_, index) => `${word} ${index + 1}`);
