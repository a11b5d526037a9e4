import type { Schemas } from "./contract.js";

/** A message that is not acknowledged yet. */
export interface KeptMessage {
  /** Whose it is: it is sent as nobody else. */
  user: string;
  /** When it was said, in milliseconds since 1970; of one window, no two are the same. */
  at: number;
  message: Schemas["MessageSend"];
}

/** Where messages that wait to be sent are kept, so that a reload or a restart goes on with them. */
export interface MessageStore {
  load(): KeptMessage[] | Promise<KeptMessage[]>;
  /** Called before a message is sent for the first time. */
  put(kept: KeptMessage): void | Promise<void>;
  /** Called when it was acknowledged, refused for good, or given up; also when it is not there. */
  remove(kept: KeptMessage): void | Promise<void>;
}

/**
 * Keeps them in `sessionStorage`, for one window, or in `localStorage`, for what comes after it: an entry each, so that windows that share a
 * storage leave each other's alone.
 */
export function webMessages(storage: Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">, key = "plaza.message"): MessageStore {
  const nameOf = ({ message }: KeptMessage) => `${key}:${message.client_id}`;
  return {
    load: () => {
      const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
      const kept: KeptMessage[] = [];
      for (const name of names.filter((name) => name.startsWith(`${key}:`))) {
        const found = read(storage.getItem(name));
        if (found) kept.push(found);
        else storage.removeItem(name);
      }
      return kept;
    },
    put: (kept) => storage.setItem(nameOf(kept), JSON.stringify(kept)),
    remove: (kept) => storage.removeItem(nameOf(kept)),
  };
}

function read(text: string | null): KeptMessage | undefined {
  try {
    const kept = JSON.parse(text ?? "") as KeptMessage | null;
    return kept?.message?.client_id === undefined ? undefined : kept;
  } catch {
    return undefined;
  }
}
