// Who is who, and who is there.
import { signal } from "@preact/signals";
import { link } from "./route";
import { plaza, type Presence, type Summary } from "./plaza";

/** Everybody of whom this page has heard, by id. */
export const people = signal<ReadonlyMap<string, Summary>>(new Map());

export function remember(...found: Summary[]): void {
  const fresh = found.filter((person) => people.peek().get(person.id)?.name !== person.name);
  if (fresh.length > 0) people.value = new Map([...people.peek(), ...fresh.map((person) => [person.id, person] as const)]);
}

const asked = new Set<string>();

/** Looks up those who are not known yet, each once. */
export async function lookUp(ids: Iterable<string>): Promise<void> {
  const unknown = [...new Set(ids)].filter((id) => !people.peek().has(id) && !asked.has(id));
  for (const id of unknown) asked.add(id);
  const found = await Promise.all(unknown.map((id) => plaza.rest.get("/v1/people/{person}", { path: { person: id } }).catch(() => undefined)));
  remember(...found.filter((person) => person !== undefined));
}

export function nameOf(id: string | undefined): string {
  return (id !== undefined && people.value.get(id)?.name) || "Somebody";
}

interface Seen {
  state: Presence;
  at: number;
}

const seen = signal<ReadonlyMap<string, Seen>>(new Map());

export const presenceOf = (user: string | undefined): Presence | undefined => (user === undefined ? undefined : seen.value.get(user)?.state);

const UNWATCH_AFTER_MS = 20_000;

/** Keeps an eye on people until a while after the function is called that this returns. */
export function watch(users: string[]): () => void {
  const ends = users.map((user) =>
    plaza.socket.follow(`presence:${user}`, {
      happening(happening) {
        if (happening.type !== "presence") return;
        const at = Date.parse(happening.at);
        if ((seen.peek().get(user)?.at ?? 0) <= at) seen.value = new Map(seen.peek()).set(user, { state: happening.state, at });
      },
    }),
  );
  // Whoever leaves the screen is often back soon, with the next view.
  return () => void setTimeout(() => ends.forEach((end) => end()), UNWATCH_AFTER_MS);
}

const WORDS: Record<Presence, string> = { online: "online", idle: "away", offline: "offline" };

function hue(text: string): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => Array.from(word ?? "")[0] ?? "").join("").toUpperCase();
}

interface AvatarProps {
  name: string;
  /** Decides the colour: the same person has the same one everywhere. */
  seed?: string;
  user?: string;
  size?: "small" | "large";
  group?: boolean;
}

/** Decoration beside a name: readers who listen are told the name only. */
export function Avatar({ name, seed = name, user, size, group }: AvatarProps) {
  const state = presenceOf(user);
  const look = ["avatar", size && `${size}-one`, group && "group"].filter(Boolean).join(" ");
  return (
    <span class={look} style={{ "--hue": String(hue(seed)) }} aria-hidden="true">
      {group ? (Array.from(name)[0] ?? "").toUpperCase() : initials(name)}
      {state && state !== "offline" && <span class={`dot ${state}`} title={WORDS[state]} />}
    </span>
  );
}

export function PersonLink({ person }: { person: Summary }) {
  return (
    <a class="person" href={link("people", person.handle)}>
      {person.name}
    </a>
  );
}

export const stateWord = (user: string | undefined): string => {
  const state = presenceOf(user);
  return state ? WORDS[state] : "";
};

