// One short sentence at the foot of the page, read out to those who listen.
import { signal } from "@preact/signals";

const SHOWN_MS = 5_000;

const said = signal("");
let over: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(over);
  over = setTimeout(() => (said.value = ""), SHOWN_MS);
}

export function Said() {
  return (
    <div role="status" class={said.value ? "said" : ""}>
      {said.value}
    </div>
  );
}
