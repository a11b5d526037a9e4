// The tray of stories, and one story after the other over the whole page.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ago, full, some } from "../format";
import { Icon } from "../icons";
import { Avatar, remember } from "../people";
import { me, plaza, type TrayEntry } from "../plaza";
import { note, tell } from "../seen";
import { Text } from "../text";
import { Media } from "./media";

const LOOKED_MIN_MS = 500;

interface Tray {
  entries: TrayEntry[];
  request: string;
}

export function Stories() {
  const tray = useSignal<Tray | undefined>(undefined);
  const open = useSignal<number | undefined>(undefined);

  const read = async () => {
    const answer = await plaza.rest.whole("get", "/v1/stories").catch(() => undefined);
    if (!answer) return;
    remember(...answer.data.items.map(({ person }) => person));
    tray.value = { entries: answer.data.items, request: answer.requestId };
  };
  useEffect(() => void read(), []);

  const close = async () => {
    open.value = undefined;
    // Who was seen moves back in the tray.
    await tell();
    await read();
  };
  const entries = tray.value?.entries ?? [];
  if (entries.length === 0) return null;
  return (
    <section class="stories" aria-label="Stories">
      <ul>
        {entries.map(({ person, unseen, stories }, at) => (
          <li key={person.id}>
            <button
              type="button"
              class={unseen > 0 ? "unseen" : ""}
              onClick={() => (open.value = at)}
            >
              <span class="ring"><Avatar name={person.name} seed={person.handle} /></span>
              <span class="name">{person.id === me.value?.id ? "You" : person.name.split(" ")[0]}</span>
              <span class="hidden">, {some(stories.length, "story", "stories")}, {unseen > 0 ? `${unseen} new` : "seen"}</span>
            </button>
          </li>
        ))}
      </ul>
      {open.value !== undefined && tray.value && (
        <Viewer tray={tray.value} from={open.value} onClose={() => void close()} />
      )}
    </section>
  );
}

function Viewer({ tray, from, onClose }: { tray: Tray; from: number; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const first = (at: number) => {
    const entry = tray.entries[at];
    return entry ? Math.max(0, entry.stories.length - entry.unseen) % entry.stories.length : 0;
  };
  const place = useSignal({ person: from, story: first(from) });
  const entry = tray.entries[place.value.person];
  const story = entry?.stories[place.value.story];

  useEffect(() => dialog.current?.showModal(), []);
  const since = useRef(performance.now());
  const looked = () => {
    // Opened is looked at, however soon the next one is asked for.
    if (story) note({ content: story.id, request: tray.request }, Math.max(LOOKED_MIN_MS, performance.now() - since.current));
    since.current = performance.now();
  };

  const step = (by: 1 | -1) => {
    looked();
    const { person, story: at } = place.value;
    const many = tray.entries[person]?.stories.length ?? 0;
    if (at + by >= 0 && at + by < many) place.value = { person, story: at + by };
    else if (by > 0 && person + 1 < tray.entries.length) place.value = { person: person + 1, story: first(person + 1) };
    else if (by < 0 && person > 0) place.value = { person: person - 1, story: (tray.entries[person - 1]?.stories.length ?? 1) - 1 };
    else if (by > 0) dialog.current?.close();
  };
  if (!entry || !story) return null;
  const media = story.media?.[0];
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={`Story of ${entry.person.name}`}
      onClose={() => {
        looked();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") step(1);
        if (event.key === "ArrowLeft") step(-1);
      }}
    >
      <div class="frame">
        <p class="progress" aria-hidden="true">
          {entry.stories.map(({ id }, at) => <span key={id} class={at <= place.value.story ? "done" : ""} />)}
        </p>
        <header>
          <Avatar name={entry.person.name} seed={entry.person.handle} size="small" />
          <span class="name">{entry.person.name}</span>
          <time dateTime={story.created_at} title={full(story.created_at)}>{ago(story.created_at)}</time>
          {story.audience === "close_friends" && <span class="label">Close friends</span>}
          <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
            <Icon name="close" />
          </button>
        </header>
        <div class="picture" aria-live="polite">
          {media && <Media key={story.id} attachment={media} label={story.text || `Story ${place.value.story + 1} of ${entry.stories.length}`} sizes="(max-width: 820px) 100vw, 460px" />}
        </div>
        {story.text && <p class="caption"><Text text={story.text} mentions={story.mentions} hashtags={story.hashtags} /></p>}
        <button type="button" class="step before" aria-label="Before" onClick={() => step(-1)}><Icon name="back" size={26} /></button>
        <button type="button" class="step after" aria-label="Next" onClick={() => step(1)}><Icon name="next" size={26} /></button>
      </div>
    </dialog>
  );
}
