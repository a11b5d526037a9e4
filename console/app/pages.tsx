// Lists that come in pages.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { sentence } from "./plaza";

export interface Page<T> {
  items: T[];
  next?: string | undefined;
}

export interface Pages<T> {
  items: readonly T[];
  more: boolean;
  loading: boolean;
  /** Why the last page did not come. */
  failed: string | undefined;
  load(): void;
  /** Changes what is shown. */
  change(how: (items: readonly T[]) => T[]): void;
}

/** How many empty pages in a row are passed over by itself: a page may be empty and not be the last. */
const EMPTY_MAX = 5;

/** Reads a list from its beginning, and anew whenever `about` changes. */
export function usePages<T>(about: string, read: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  const state = useSignal<{ items: readonly T[]; next: string | undefined; begun: boolean; loading: boolean; failed?: string }>({
    items: [],
    next: undefined,
    begun: false,
    loading: false,
  });
  // Which list is meant: an answer that comes after the question has changed is dropped.
  const run = useRef(0);

  const load = useCallback(
    async (from: { begun: boolean; next: string | undefined; items: readonly T[] }) => {
      const mine = run.current;
      state.value = { items: from.items, next: from.next, begun: from.begun, loading: true };
      try {
        let { next } = from;
        const found: T[] = [];
        for (let tries = 0; tries < EMPTY_MAX && found.length === 0; tries += 1) {
          const page = await read(next);
          if (run.current !== mine) return;
          found.push(...page.items);
          next = page.next;
          if (next === undefined) break;
        }
        state.value = { items: [...state.peek().items, ...found], next, begun: true, loading: false };
      } catch (error) {
        if (run.current === mine) state.value = { ...state.peek(), loading: false, failed: sentence(error) };
      }
    },
    [about],
  );

  useEffect(() => {
    run.current += 1;
    void load({ items: [], next: undefined, begun: false });
    return () => {
      run.current += 1;
    };
  }, [about]);

  const { items, next, begun, loading, failed } = state.value;
  return {
    items,
    more: !begun || next !== undefined,
    loading,
    failed,
    load: () => {
      if (!state.peek().loading) void load(state.peek());
    },
    change: (how) => {
      state.value = { ...state.peek(), items: how(state.peek().items) };
    },
  };
}

interface Props<T> {
  pages: Pages<T>;
  show: (item: T, at: number) => ComponentChildren;
  /** What stands there instead of nothing. */
  empty: ComponentChildren;
  label: string;
}

/** A list that goes on when its end comes into sight. */
export function List<T>({ pages, show, empty, label }: Props<T>) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const watch = new IntersectionObserver((seen) => seen.some((it) => it.isIntersecting) && pages.load(), { rootMargin: "600px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [pages.items.length, pages.more, pages.failed === undefined]);

  if (pages.failed !== undefined && pages.items.length === 0) {
    return (
      <div class="empty" role="alert">
        <h2>This did not come</h2>
        <p>{pages.failed}</p>
        <p>
          <button type="button" class="button" onClick={pages.load}>
            Try again
          </button>
        </p>
      </div>
    );
  }
  if (pages.items.length === 0) return pages.more ? <Waiting /> : <div class="empty">{empty}</div>;
  return (
    <>
      <ul class="list" aria-label={label}>
        {pages.items.map((item, at) => show(item, at))}
      </ul>
      {pages.failed !== undefined ? (
        <p class="empty" role="alert">
          {pages.failed}{" "}
          <button type="button" class="button" onClick={pages.load}>
            Try again
          </button>
        </p>
      ) : pages.more ? (
        <div ref={end} class="list-end">
          <button type="button" class="button" onClick={pages.load} disabled={pages.loading}>
            {pages.loading ? "Loading…" : "Show more"}
          </button>
        </div>
      ) : (
        <p class="list-end soft small">That is all.</p>
      )}
    </>
  );
}

export function Waiting() {
  return (
    <div class="waiting" role="status" aria-label="Loading">
      {[0, 1, 2].map((at) => (
        <div key={at} class="card waiting-card">
          <div class="skeleton waiting-face" />
          <div class="skeleton waiting-line" />
          <div class="skeleton waiting-text" />
        </div>
      ))}
    </div>
  );
}
