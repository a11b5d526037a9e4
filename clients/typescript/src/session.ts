import type { Account, SignedIn, Tokens } from "./contract.js";
import { PlazaError } from "./errors.js";
import { exchange, type RestSettings } from "./rest.js";
import type { TokenStore } from "./tokens.js";

/** Who is signed in, and the tokens that prove it. */
export class Session {
  readonly #settings: RestSettings;
  readonly #store: TokenStore;
  readonly #ended: () => void;
  #signedIn: SignedIn | undefined;
  #renewing: Promise<string> | undefined;

  constructor(settings: RestSettings, store: TokenStore, ended: () => void) {
    this.#settings = settings;
    this.#store = store;
    this.#ended = ended;
  }

  get account(): Account | undefined {
    return this.#signedIn?.account;
  }

  get token(): string | undefined {
    return this.#signedIn?.tokens.access_token;
  }

  /** The session's id. */
  get id(): string | undefined {
    return this.#signedIn?.tokens.session;
  }

  /** Goes on with what was kept. */
  async restore(): Promise<void> {
    this.#signedIn ??= await this.#store.load();
  }

  async begin(signedIn: SignedIn): Promise<void> {
    this.#signedIn = signedIn;
    await this.#store.save(signedIn);
  }

  /** Forgets who was signed in, if it is by this session still. */
  async end(session: string | undefined): Promise<void> {
    if (this.#signedIn === undefined || this.id !== session) return;
    this.#signedIn = undefined;
    await this.#store.save(undefined);
    this.#ended();
  }

  /** A newer access token than `stale`: one exchange for all who ask meanwhile, none for who asks late. */
  renewed(stale: string): Promise<string> {
    if (this.token !== undefined && this.token !== stale) return Promise.resolve(this.token);
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    const before = this.#signedIn;
    if (before === undefined) throw new PlazaError("signed_out", "Nobody is signed in.");
    // Another window may have refreshed already, and a refresh token works once.
    const kept = await this.#store.load();
    if (kept?.tokens.session === before.tokens.session && kept.tokens.access_token !== before.tokens.access_token) {
      this.#signedIn = kept;
      return kept.tokens.access_token;
    }
    const body = { refresh_token: before.tokens.refresh_token };
    let tokens: Tokens;
    try {
      tokens = (await exchange(this.#settings, "post", "/v1/sessions/refresh", { body })).data as Tokens;
    } catch (error) {
      if (error instanceof PlazaError && error.status === 401) await this.end(before.tokens.session);
      throw error;
    }
    // Signed out, or in as somebody else, meanwhile.
    if (this.#signedIn !== before) throw new PlazaError("signed_out", "Nobody is signed in.");
    await this.begin({ account: before.account, tokens });
    return tokens.access_token;
  }
}
