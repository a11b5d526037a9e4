import type { SignedIn } from "./contract.js";

/** Where a log-in is kept, so that a reload or a restart goes on with it. */
export interface TokenStore {
  load(): SignedIn | undefined | Promise<SignedIn | undefined>;
  /** Called with every new token, and with nothing when the person has signed out. */
  save(signedIn: SignedIn | undefined): void | Promise<void>;
}

/** Keeps a log-in as long as the program runs. */
export function memoryTokens(): TokenStore {
  let kept: SignedIn | undefined;
  return {
    load: () => kept,
    save: (signedIn) => {
      kept = signedIn;
    },
  };
}

/** Keeps a log-in in `localStorage`, or in `sessionStorage` for one window. */
export function webTokens(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">, key = "plaza"): TokenStore {
  return {
    load: () => {
      const text = storage.getItem(key);
      if (text === null) return undefined;
      try {
        return JSON.parse(text) as SignedIn;
      } catch {
        return undefined;
      }
    },
    save: (signedIn) => {
      if (signedIn) storage.setItem(key, JSON.stringify(signedIn));
      else storage.removeItem(key);
    },
  };
}
