import type { Paths } from "./contract.js";

/** Paths whose `POST` takes an `Idempotency-Key`. */
type Creating = {
  [P in keyof Paths]: Paths[P] extends { post: { parameters: { header?: infer H } } }
    // Where there are no headers, it is `never`, of which everything is a key.
    ? [NonNullable<H>] extends [never] ? never : "Idempotency-Key" extends keyof NonNullable<H> ? P : never
    : never;
}[keyof Paths];

// The type checker refuses this when the specs have another one, or no longer one of these.
const CREATING: Record<Creating, true> = {
  "/v1/accounts": true,
  "/v1/content": true,
  "/v1/media": true,
  "/v1/rooms": true,
  "/v1/rooms/{room}/members": true,
  "/v1/rooms/{room}/messages": true,
  "/v1/sessions": true,
};

export const creates = (path: string): boolean => Object.hasOwn(CREATING, path);
