// Something to write with: words, a picture, and for whom.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../icons";
import { Avatar } from "../people";
import { me, plaza, sentence, type Content } from "../plaza";
import { say } from "../say";
import { PICTURES, Refused, upload } from "../upload";

const TEXT_MAX = 5_000;
const COUNTED_FROM = 4_500;

const AUDIENCES = [
  { id: "public", word: "Everybody" },
  { id: "followers", word: "Followers" },
  { id: "close_friends", word: "Close friends" },
  { id: "only_me", word: "Only me" },
] as const;

/** On its way, or there; one that failed is gone. */
interface Picture {
  name: string;
  address: string;
  media: Promise<string>;
  stop: AbortController;
}

export function Composer({ onPosted }: { onPosted: (content: Content) => void }) {
  const text = useSignal("");
  const audience = useSignal<Content["audience"]>("public");
  const sending = useSignal(false);
  const picture = useSignal<Picture | undefined>(undefined);
  const choice = useRef<HTMLInputElement>(null);
  const person = me.value;

  const put = (next?: Picture) => {
    if (picture.value) URL.revokeObjectURL(picture.value.address);
    picture.value = next;
  };
  /** What nobody will see is not kept. */
  const drop = () => {
    picture.peek()?.stop.abort();
    put();
  };
  // What is being posted goes on without this view.
  useEffect(() => () => { if (!sending.peek()) drop(); }, []);
  if (!person) return null;

  const pick = (file: File | undefined) => {
    if (choice.current) choice.current.value = "";
    if (!file) return;
    drop();
    const stop = new AbortController();
    const media = upload(file, stop.signal);
    const mine = { name: file.name, address: URL.createObjectURL(file), media, stop };
    put(mine);
    media.catch((error: unknown) => {
      if (picture.peek() !== mine) return;
      put();
      say(error instanceof Refused ? error.message : sentence(error));
    });
  };

  const isEmpty = text.value.trim() === "" && !picture.value;
  const post = async (event: Event) => {
    event.preventDefault();
    if (isEmpty || sending.value) return;
    sending.value = true;
    try {
      const media = picture.value && { media: [await picture.value.media] };
      const words = text.value.trim() === "" ? {} : { text: text.value };
      onPosted(await plaza.rest.post("/v1/content", { body: { kind: "post", ...words, ...media, audience: audience.value } }));
      text.value = "";
      put();
      say("Posted.");
    } catch (error) {
      say(error instanceof Refused ? error.message : sentence(error));
    } finally {
      sending.value = false;
    }
  };
  return (
    <form class="card composer" onSubmit={(event) => void post(event)}>
      <Avatar name={person.name} seed={person.handle} />
      <div>
        <textarea
          rows={text.value.includes("\n") || text.value.length > 60 ? 4 : 1}
          maxLength={TEXT_MAX}
          aria-label="Write a post"
          placeholder="What is going on?"
          value={text}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && void post(event)}
        />
        {picture.value && (
          <figure class="chosen">
            <img src={picture.value.address} alt={picture.value.name} />
            <button type="button" class="icon-button" aria-label="Without this picture" title="Without this picture" disabled={sending.value} onClick={drop}>
              <Icon name="close" size={18} />
            </button>
          </figure>
        )}
        {!isEmpty && (
          <div class="composer-foot">
            <label class="small soft">
              For{" "}
              <select value={audience} onChange={(event) => (audience.value = event.currentTarget.value as Content["audience"])}>
                {AUDIENCES.map(({ id, word }) => <option key={id} value={id}>{word}</option>)}
              </select>
            </label>
            {text.value.length >= COUNTED_FROM && <span class="small soft">{TEXT_MAX - text.value.length} left</span>}
            <button class="button main" disabled={sending.value}>Post</button>
          </div>
        )}
      </div>
      <input ref={choice} type="file" hidden accept={PICTURES.join()} aria-label="Picture" onChange={(event) => pick(event.currentTarget.files?.[0])} />
      <button type="button" class="icon-button" aria-label="Add a picture" title="Add a picture" disabled={sending.value} onClick={() => choice.current?.click()}>
        <Icon name="picture" />
      </button>
    </form>
  );
}
