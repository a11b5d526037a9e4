import type { Problem, Refusal } from "./contract.js";

/** Codes of failures that happen on this side of the network; all others are in `schemas/error-codes.json`. */
export type ClientCode =
  /** Nobody is signed in. */
  | "signed_out"
  /** No answer: the network, or no server. */
  | "unreachable"
  /** The connection ended before the answer: whether the command was carried out is unknown. */
  | "interrupted"
  /** No answer in time: whether the command was carried out is unknown. */
  | "timed_out"
  /** Only of use at once (typing), and there is no connection. */
  | "offline"
  /** As many commands as may wait are waiting. */
  | "queue_full"
  /** A command that is longer than the server reads. */
  | "frame_too_large"
  /** The socket was closed, here or for good by the server. */
  | "closed"
  /** The caller has given up (`signal`). */
  | "aborted"
  /** An answer that is none of Plaza's. */
  | "unreadable";

export interface Failure {
  status?: number | undefined;
  retry?: boolean | undefined;
  retryAfterMs?: number | undefined;
  pointer?: string | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

/** Everything that fails, fails with this: REST, socket, and what went wrong on the way. Decide by `code`. */
export class PlazaError extends Error {
  override readonly name = "PlazaError";
  /** Stable: one of `schemas/error-codes.json`, or a {@link ClientCode}. */
  readonly code: ClientCode | (string & {});
  /** The HTTP status; 0 when there was no HTTP answer. */
  readonly status: number;
  /** Whether the same may succeed later. */
  readonly retry: boolean;
  /** When trying again makes sense, in milliseconds, if the server said so. */
  readonly retryAfterMs: number | undefined;
  /** Which member of what was sent is to blame, as a JSON pointer. */
  readonly pointer: string | undefined;
  /** Quote it to operators. */
  readonly requestId: string | undefined;

  constructor(code: ClientCode | (string & {}), message: string, failure: Failure = {}) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = code;
    this.status = failure.status ?? 0;
    this.retry = failure.retry ?? false;
    this.retryAfterMs = failure.retryAfterMs;
    this.pointer = failure.pointer;
    this.requestId = failure.requestId;
  }

  static ofProblem(problem: Problem, retryAfterMs: number | undefined): PlazaError {
    const { code, detail, status, pointer, request_id: requestId } = problem;
    const wait = problem.retry_after_ms ?? retryAfterMs;
    const retry = wait !== undefined || PASSING.has(status);
    return new PlazaError(code, detail, { status, retry, retryAfterMs: wait, pointer, requestId });
  }

  static ofRefusal({ code, message, retry, retry_after_ms: retryAfterMs, pointer }: Refusal): PlazaError {
    return new PlazaError(code, message, { retry, retryAfterMs, pointer });
  }
}

/** Statuses of failures that pass. */
const PASSING = new Set([429, 500, 502, 503, 504]);
