/** Waits between tries: a random time below a bound that doubles, so that many who were cut off together do not come back together. */
export interface Backoff {
  firstMs: number;
  longestMs: number;
}

export const BACKOFF: Backoff = { firstMs: 500, longestMs: 30_000 };

/** The wait before the next try after so many failures in a row. What the server asked for comes on top. */
export function waitMs(backoff: Backoff, failures: number, askedMs = 0, random: () => number = Math.random): number {
  const bound = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(failures, MAX_DOUBLINGS));
  return askedMs + random() * bound;
}

const MAX_DOUBLINGS = 30;

/** Waits, unless the signal ends it sooner. Never fails: look at the signal afterwards. */
export function rest(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
