import type { Refusal } from "../contract.js";
import { PlazaError } from "../errors.js";
import type { End } from "./connection.js";

/** What to do when a connection has ended. */
export type Next =
  /** Come back after this wait, which the server named, and some jitter. No failure of ours. */
  | { do: "return"; afterMs: number; why: PlazaError }
  /** Come back, later with each failure in a row. */
  | { do: "retry"; why: PlazaError }
  /** Get a new access token, and come back. */
  | { do: "renew"; why: PlazaError }
  /** The session is over. */
  | { do: "sign_out"; why: PlazaError }
  /** Coming back would end the same way. */
  | { do: "stop"; why: PlazaError };

/** Close codes as `asyncapi/README.md` has them; all others are the network's. */
const CODES: Record<number, [Next["do"] & ("retry" | "renew" | "sign_out" | "stop"), string]> = {
  1002: ["stop", "protocol_error"],
  1007: ["stop", "protocol_error"],
  1009: ["stop", "frame_too_large"],
  4500: ["stop", "protocol_error"],
  4501: ["retry", "identify_timeout"],
  4502: ["renew", "unauthenticated"],
  4503: ["sign_out", "session_revoked"],
  4504: ["renew", "token_expired"],
  4505: ["stop", "too_many_connections"],
  4506: ["sign_out", "account_closed"],
};

/** `refusal` is what `identify` was answered, if it was refused. */
export function next({ code, reason }: End, refusal?: Refusal): Next {
  const [what, name] = CODES[code] ?? ["retry", "unreachable"];
  const message = reason || `The connection ended (${code}).`;
  const why = refusal ? PlazaError.ofRefusal(refusal) : new PlazaError(name, message, { retry: what === "retry" });
  if (what === "renew" && why.code === "session_revoked") return { do: "sign_out", why };
  return { do: what, why };
}
