import { BACKOFF, rest as pause, waitMs, type Backoff } from "./backoff.js";
import type { Paths, Problem } from "./contract.js";
import { creates } from "./creating.js";
import { PlazaError } from "./errors.js";
import type { Session } from "./session.js";
import { uuid } from "./uuid.js";

export type Method = "get" | "put" | "post" | "patch" | "delete";
type Bytes = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** Paths that take this method. */
export type PathOf<M extends Method> = {
  [P in keyof Paths]: Paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof Paths];

type OperationOf<M extends Method, P extends PathOf<M>> = Paths[P] extends { [K in M]: infer O } ? O : never;
type Parameter<O, K extends string> = O extends { parameters: { [N in K]?: infer V } } ? V : undefined;
type BodyOf<O> = O extends { requestBody: { content: infer C } }
  ? C extends { "application/json": infer B } ? B : Bytes
  : undefined;
type Said<R> = R extends { content: { "application/json": infer B } } ? B : R extends { content?: never } ? undefined : Blob;
type Success = 200 | 201 | 204 | 206;
type AnswerOf<O> = O extends { responses: infer R } ? Said<R[Extract<keyof R, Success>]> : never;
// Absent where there is nothing to give, needed where something is needed.
type Part<K extends string, V> = [V] extends [undefined] ? { [N in K]?: undefined } : {} extends V ? { [N in K]?: V } : { [N in K]: V };

/** What goes with a request: the parts that this operation has. */
export type Ask<M extends Method, P extends PathOf<M>, O = OperationOf<M, P>> = Part<"path", Parameter<O, "path">> &
  Part<"query", Parameter<O, "query">> &
  Part<"body", BodyOf<O>> & {
    /** Further headers, such as `Upload-Offset`. */
    headers?: Record<string, string>;
    /** Of a creating request; one is made up otherwise. Keep it to repeat the request after a restart. */
    idempotencyKey?: string;
    signal?: AbortSignal;
  };
type AskArgs<M extends Method, P extends PathOf<M>> = {} extends Ask<M, P> ? [ask?: Ask<M, P>] : [ask: Ask<M, P>];

/** What the operation answers: its body, `undefined` when it has none, bytes when it is no JSON. */
export type Answer<M extends Method, P extends PathOf<M>> = AnswerOf<OperationOf<M, P>>;

/** An answer with what came with it. */
export interface Whole<T> {
  data: T;
  status: number;
  headers: Headers;
  /** `X-Request-Id`: `/v1/views` asks for that of the page that was looked at. */
  requestId: string;
}

/** A request, whatever its types. */
interface Plain {
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface RestSettings {
  url: string;
  fetch: typeof fetch;
  backoff?: Backoff;
}

/** How often a request that may be repeated is sent at most. */
const TRIES_MAX = 4;
/** Longer than this nobody waits inside a call; the error then says how long to wait. */
const PATIENCE_MAX_MS = 5_000;

/**
 * REST, typed by the paths of `openapi/`. The access token goes with each request, and is refreshed once for all that wait
 * for it. What may be repeated (reads, `PUT`, `DELETE`, and what creates, under one `Idempotency-Key`) is repeated while the failure may pass.
 */
export class Rest {
  readonly #settings: RestSettings;
  readonly #session: Session;

  constructor(settings: RestSettings, session: Session) {
    this.#settings = settings;
    this.#session = session;
  }

  get<P extends PathOf<"get">>(path: P, ...[ask]: AskArgs<"get", P>): Promise<Answer<"get", P>> {
    return this.#data("get", path, ask);
  }

  put<P extends PathOf<"put">>(path: P, ...[ask]: AskArgs<"put", P>): Promise<Answer<"put", P>> {
    return this.#data("put", path, ask);
  }

  post<P extends PathOf<"post">>(path: P, ...[ask]: AskArgs<"post", P>): Promise<Answer<"post", P>> {
    return this.#data("post", path, ask);
  }

  patch<P extends PathOf<"patch">>(path: P, ...[ask]: AskArgs<"patch", P>): Promise<Answer<"patch", P>> {
    return this.#data("patch", path, ask);
  }

  delete<P extends PathOf<"delete">>(path: P, ...[ask]: AskArgs<"delete", P>): Promise<Answer<"delete", P>> {
    return this.#data("delete", path, ask);
  }

  /** The answer with its headers. */
  whole<M extends Method, P extends PathOf<M>>(method: M, path: P, ...[ask]: AskArgs<M, P>): Promise<Whole<Answer<M, P>>> {
    return this.#ask(method, path, ask as Plain | undefined) as Promise<Whole<Answer<M, P>>>;
  }

  /** All items of a list, page after page. */
  async *all<P extends ListPath>(path: P, ...[ask]: AskArgs<"get", P>): AsyncGenerator<ItemOf<P>, void, void> {
    let plain = (ask ?? {}) as Plain;
    for (;;) {
      const page = (await this.#ask("get", path, plain)).data as { items: ItemOf<P>[]; next?: string };
      yield* page.items;
      if (page.next === undefined) return;
      plain = { ...plain, query: { ...plain.query, cursor: page.next } };
    }
  }

  async #data<T>(method: Method, path: string, ask: unknown): Promise<T> {
    return (await this.#ask(method, path, ask as Plain | undefined)).data as T;
  }

  async #ask(method: Method, path: string, ask: Plain = {}): Promise<Whole<unknown>> {
    const creating = method === "post" && creates(path);
    const key = creating ? (ask.idempotencyKey ?? uuid()) : undefined;
    const repeatable = creating || method === "get" || method === "put" || method === "delete";
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#authorised(method, path, ask, key);
      } catch (error) {
        if (!(error instanceof PlazaError) || !error.retry || !repeatable || tries >= TRIES_MAX) throw error;
        const wait = waitMs(this.#settings.backoff ?? BACKOFF, tries, error.retryAfterMs);
        if (wait > PATIENCE_MAX_MS) throw error;
        await pause(wait, ask.signal);
        if (ask.signal?.aborted) throw error;
      }
    }
  }

  /** Sends with the access token; once more with the next one when the server no longer takes it. */
  async #authorised(method: Method, path: string, ask: Plain, key: string | undefined): Promise<Whole<unknown>> {
    const { id: session, token } = this.#session;
    try {
      return await exchange(this.#settings, method, path, ask, key, token);
    } catch (error) {
      if (token === undefined || !(error instanceof PlazaError) || error.status !== 401) throw error;
      if (error.code === "session_revoked") await this.#session.end(session);
      if (!STALE.has(error.code)) throw error;
      const next = await this.#session.renewed(token);
      return exchange(this.#settings, method, path, ask, key, next);
    }
  }
}

/** Codes of a 401 that another access token may mend. */
const STALE = new Set(["token_expired", "unauthenticated"]);

type ListPath = { [P in PathOf<"get">]: Answer<"get", P> extends { items: unknown[] } ? P : never }[PathOf<"get">];
type ItemOf<P extends ListPath> = Answer<"get", P> extends { items: (infer I)[] } ? I : never;

/** One request and its answer. */
export async function exchange(
  { url, fetch }: RestSettings,
  method: Method,
  path: string,
  ask: Plain,
  key?: string,
  token?: string,
): Promise<Whole<unknown>> {
  const headers = new Headers(ask.headers);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (key !== undefined) headers.set("idempotency-key", key);
  const request: RequestInit = { method: method.toUpperCase(), headers };
  if (ask.signal) request.signal = ask.signal;
  if (isBytes(ask.body)) {
    headers.set("content-type", "application/offset+octet-stream");
    request.body = ask.body;
  } else if (ask.body !== undefined) {
    headers.set("content-type", "application/json");
    request.body = JSON.stringify(ask.body);
  }
  let answer: Response;
  let body: Blob;
  try {
    answer = await fetch(address(url, path, ask), request);
    body = await answer.blob();
  } catch (cause) {
    if (ask.signal?.aborted) throw new PlazaError("aborted", "The request was given up.", { cause });
    throw new PlazaError("unreachable", "There was no answer.", { retry: true, cause });
  }
  const isJson = /[/+]json\b/.test(answer.headers.get("content-type") ?? "");
  const requestId = answer.headers.get("x-request-id") ?? "";
  const unreadable = (cause?: unknown) => {
    const failure = { status: answer.status, retry: answer.status >= 500, requestId, cause };
    return new PlazaError("unreadable", `The answer (${answer.status}) is none of Plaza's.`, failure);
  };
  let data: unknown = body.size === 0 ? undefined : body;
  if (isJson && body.size > 0) {
    try {
      data = JSON.parse(await body.text());
    } catch (cause) {
      throw unreadable(cause);
    }
  }
  if (answer.ok) return { data, status: answer.status, headers: answer.headers, requestId };
  if (!isProblem(data)) throw unreadable();
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  throw PlazaError.ofProblem(data, Number.isFinite(seconds) ? seconds * 1000 : undefined);
}

function address(url: string, path: string, ask: Plain): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(ask.path?.[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(ask.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return `${url}${filled}${text && `?${text}`}`;
}

const isBytes = (body: unknown): body is Bytes =>
  body instanceof Blob || body instanceof ArrayBuffer || body instanceof Uint8Array;

const isProblem = (data: unknown): data is Problem =>
  typeof data === "object" && data !== null && typeof (data as Partial<Problem>).code === "string";
