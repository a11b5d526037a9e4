import type { Backoff } from "./backoff.js";
import type { Account, Schemas, SignedIn } from "./contract.js";
import { Emitter } from "./emitter.js";
import type { MessageStore } from "./messages.js";
import { Rest } from "./rest.js";
import { Session } from "./session.js";
import { Socket, type WebSocketClass } from "./socket/socket.js";
import { memoryTokens, type TokenStore } from "./tokens.js";

export interface PlazaSettings {
  /** Where Plaza is, such as `http://127.0.0.1:8080`. On a page that Plaza serves: `location.origin`. */
  url: string;
  /** Where the log-in is kept; in memory, unless told. */
  tokens?: TokenStore;
  /** Where messages are kept that wait to be sent, over a reload or a restart; nowhere, unless told. */
  messages?: MessageStore;
  fetch?: typeof fetch;
  /** Node 20 has none: give it that of the package `ws`. */
  WebSocket?: WebSocketClass;
  /** Waits between tries, of REST and socket. */
  backoff?: Backoff;
}

type PlazaTold = {
  /** Somebody signed in, or out (`undefined`): by a call, or because the session was ended elsewhere. */
  person: [person: Account | undefined];
};

/** A Plaza, as one person sees it. */
export class Plaza {
  /** REST, typed by the paths of the specs. */
  readonly rest: Rest;
  /** What is live. */
  readonly socket: Socket;
  readonly #session: Session;
  readonly #told = new Emitter<PlazaTold>();

  constructor(settings: PlazaSettings) {
    const url = settings.url.replace(/\/+$/, "");
    // Browsers want it called on the window.
    const ask = settings.fetch ?? globalThis.fetch.bind(globalThis);
    const backoff = settings.backoff && { backoff: settings.backoff };
    this.#session = new Session({ url, fetch: ask }, settings.tokens ?? memoryTokens(), () => this.#signedOut());
    this.rest = new Rest({ url, fetch: ask, ...backoff }, this.#session);
    const WebSocket = settings.WebSocket ?? (globalThis.WebSocket as WebSocketClass | undefined);
    const messages = settings.messages && { messages: settings.messages };
    this.socket = new Socket({ url: url.replace(/^http/, "ws"), WebSocket, ...backoff, ...messages }, this.#session);
  }

  /** Who is signed in. */
  get person(): Account | undefined {
    return this.#session.account;
  }

  on<K extends keyof PlazaTold>(name: K, handler: (...what: PlazaTold[K]) => void): () => void {
    return this.#told.on(name, handler);
  }

  /** Goes on as whom the token store has kept, if it has. */
  async restore(): Promise<Account | undefined> {
    await this.#session.restore();
    await this.socket.restore();
    if (this.person) this.#told.emit("person", this.person);
    return this.person;
  }

  /** A new account, signed in at once. */
  async register(registration: Schemas["Registration"]): Promise<Account> {
    return this.#begin(await this.rest.post("/v1/accounts", { body: registration }));
  }

  async logIn(logIn: Schemas["LogIn"]): Promise<Account> {
    return this.#begin(await this.rest.post("/v1/sessions", { body: logIn }));
  }

  /** Ends the session, here and on the server. Without the server, at least here. */
  async logOut(): Promise<void> {
    const { id } = this.#session;
    if (id === undefined) return;
    this.socket.close();
    try {
      await this.rest.delete("/v1/sessions/{session}", { path: { session: id } });
    } finally {
      await this.#session.end(id);
    }
  }

  async #begin(signedIn: SignedIn): Promise<Account> {
    // What waits is somebody else's.
    this.socket.close();
    await this.#session.begin(signedIn);
    await this.socket.restore();
    this.#told.emit("person", signedIn.account);
    return signedIn.account;
  }

  #signedOut(): void {
    this.socket.close();
    this.#told.emit("person", undefined);
  }
}
