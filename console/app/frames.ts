// What passes over the socket, for those who want to see it. The client has taken the tokens out.
import { signal } from "@preact/signals";
import { plaza } from "./plaza";

export interface Passed {
  key: number;
  at: number;
  out: boolean;
  /** What the frame is: its command or type. */
  name: string;
  /** Whom it concerns: the id that answers carry, or topic and position. */
  about: string;
  t: string;
  text: string;
}

/** Older ones are forgotten. */
const KEPT_MAX = 200;

export const frames = signal<readonly Passed[]>([]);
export const paused = signal(false);
export const shown = signal(sessionStorage.getItem("frames") === "shown");

let key = 0;
/** Commands by their id, so that answers have a name. */
const asked = new Map<number, string>();

interface Loose {
  t?: string;
  op?: string;
  id?: number;
  topic?: string;
  pos?: number;
  d?: { type?: string };
  error?: { code?: string };
}

export function listen(): void {
  plaza.socket.on("frame", ({ direction, frame, at }) => {
    const loose = frame as Loose;
    if (loose.t === "hello") asked.clear();
    if (loose.op !== undefined && loose.id !== undefined) asked.set(loose.id, loose.op);
    const answered = loose.t !== undefined && loose.id !== undefined ? asked.get(loose.id) : undefined;
    if (answered !== undefined && loose.id !== undefined) asked.delete(loose.id);
    if (paused.peek()) return;
    const name = loose.op ?? loose.error?.code ?? answered ?? loose.d?.type ?? loose.t ?? "";
    const about = loose.id === undefined ? [loose.topic?.slice(0, 12), loose.pos].filter((it) => it !== undefined).join(" · ") : `#${loose.id}`;
    const passed = { key: (key += 1), at, out: direction === "out", name, about, t: loose.t ?? "command", text: JSON.stringify(frame, null, 2) };
    frames.value = [passed, ...frames.peek()].slice(0, KEPT_MAX);
  });
}

export function toggle(): void {
  shown.value = !shown.peek();
  sessionStorage.setItem("frames", shown.peek() ? "shown" : "");
}
