// Tells Plaza what was looked at and for how long: that is what the ranked feed learns from, and what the stories tray goes by.
import { useEffect, useRef } from "preact/hooks";
import { plaza } from "./plaza";

/** How much of something has to be in sight. */
const SHARE_MIN = 0.5;
/** Scrolled past faster than this, it was not looked at. */
const DWELL_MIN_MS = 300;
const DWELL_MAX_MS = 3_600_000;
const TELL_AFTER_MS = 3_000;
const VIEWS_MAX = 100;

export interface Shown {
  content: string;
  /** `X-Request-Id` of the answer that brought it. */
  request: string;
  position?: number;
}

const looked = new Map<string, Shown & { dwell_ms: number }>();
let telling: ReturnType<typeof setTimeout> | undefined;

/** Notes an impression; several of one thing from one answer count together. */
export function note(shown: Shown, ms: number): void {
  if (ms < DWELL_MIN_MS) return;
  const key = `${shown.request} ${shown.content}`;
  const before = looked.get(key)?.dwell_ms ?? 0;
  looked.set(key, { ...shown, dwell_ms: Math.min(DWELL_MAX_MS, Math.round(before + ms)) });
  telling ??= setTimeout(() => void tell(), TELL_AFTER_MS);
}

/** Sends what was noted. */
export async function tell(): Promise<void> {
  clearTimeout(telling);
  telling = undefined;
  const views = [...looked.values()].slice(0, VIEWS_MAX);
  looked.clear();
  if (views.length === 0 || !plaza.person) return;
  // It is a hint: what gets lost is not worth a word to the reader.
  await plaza.rest.post("/v1/views", { body: { views } }).catch(() => undefined);
}

addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void tell();
});

/** Notes how long the element was in sight. */
export function useSeen(shown: Shown | undefined) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!element.current || !shown) return;
    let since: number | undefined;
    const end = () => {
      if (since !== undefined) note(shown, performance.now() - since);
      since = undefined;
    };
    const watch = new IntersectionObserver(
      ([entry]) => {
        if (entry && (entry.intersectionRatio >= SHARE_MIN || entry.intersectionRect.height > innerHeight * SHARE_MIN)) since ??= performance.now();
        else end();
      },
      { threshold: [0, SHARE_MIN, 1] },
    );
    watch.observe(element.current);
    return () => {
      end();
      watch.disconnect();
    };
  }, [shown?.content, shown?.request]);
  return element;
}
