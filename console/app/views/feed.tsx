// Home: stories, something to write with, and the feed, ranked or of those whom one follows.
import { useSignal } from "@preact/signals";
import { List, usePages } from "../pages";
import { Avatar, remember } from "../people";
import { me, plaza, sentence, type Content, type FeedItem } from "../plaza";
import { route } from "../route";
import { say } from "../say";
import { Card } from "./card";
import { Stories } from "./stories";

const PAGE_SIZE = 20;
const TEXT_MAX = 5_000;
const COUNTED_FROM = 4_500;

interface Entry extends FeedItem {
  request: string;
  position: number;
}

async function read(following: boolean, cursor: string | undefined): Promise<{ items: Entry[]; next?: string | undefined }> {
  const path = following ? "/v1/feed/following" : "/v1/feed";
  const { data, requestId } = await plaza.rest.whole("get", path, { query: { cursor, limit: PAGE_SIZE } });
  remember(...data.items.map(({ content }) => content.author));
  return { items: data.items.map((item, position) => ({ ...item, request: requestId, position })), next: data.next };
}

export function Feed() {
  const following = route.value.path[0] === "following";
  const pages = usePages(following ? "following" : "ranked", (cursor) => read(following, cursor));
  const drop = (content: Content) => pages.change((items) => items.filter((item) => item.content.id !== content.id));

  return (
    <>
      <h1 class="hidden">Home</h1>
      <Stories />
      <Composer
        onPosted={(content) => pages.change((items) => [{ content, why: { type: "own" }, request: "", position: 0 }, ...items])}
      />
      <nav class="tabs feed-tabs" aria-label="Which feed">
        <a href="#/" aria-current={!following}>For you</a>
        <a href="#/following" aria-current={following}>Following</a>
      </nav>
      <List
        pages={pages}
        label={following ? "What those whom I follow publish" : "For you"}
        empty={
          <>
            <h2>Nothing here yet</h2>
            <p>{following ? "Follow somebody, and what they publish shows up here." : "You have seen it all. Follow somebody new, or come back later."}</p>
          </>
        }
        show={({ content, why, request, position }) => (
          <li key={content.id}>
            <Card
              content={content}
              {...(following ? {} : { why })}
              {...(request ? { shown: { content: content.id, request, position } } : {})}
              canLess={!following}
              onGone={() => drop(content)}
            />
          </li>
        )}
      />
    </>
  );
}

const AUDIENCES = [
  { id: "public", word: "Everybody" },
  { id: "followers", word: "Followers" },
  { id: "close_friends", word: "Close friends" },
  { id: "only_me", word: "Only me" },
] as const;

function Composer({ onPosted }: { onPosted: (content: Content) => void }) {
  const text = useSignal("");
  const audience = useSignal<Content["audience"]>("public");
  const sending = useSignal(false);
  const person = me.value;
  if (!person) return null;

  const post = async (event: Event) => {
    event.preventDefault();
    if (text.value.trim() === "" || sending.value) return;
    sending.value = true;
    try {
      onPosted(await plaza.rest.post("/v1/content", { body: { kind: "post", text: text.value, audience: audience.value } }));
      text.value = "";
      say("Posted.");
    } catch (error) {
      say(sentence(error));
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
        {text.value !== "" && (
          <div class="composer-foot">
            <label class="small soft">
              For{" "}
              <select value={audience} onChange={(event) => (audience.value = event.currentTarget.value as Content["audience"])}>
                {AUDIENCES.map(({ id, word }) => <option key={id} value={id}>{word}</option>)}
              </select>
            </label>
            {text.value.length >= COUNTED_FROM && <span class="small soft">{TEXT_MAX - text.value.length} left</span>}
            <button class="button main" disabled={sending.value || text.value.trim() === ""}>Post</button>
          </div>
        )}
      </div>
    </form>
  );
}
