// Home: stories, something to write with, and the feed, ranked or of those whom one follows.
import { List, usePages } from "../pages";
import { remember } from "../people";
import { plaza, type Content, type FeedItem } from "../plaza";
import { route } from "../route";
import { Card } from "./card";
import { Composer } from "./composer";
import { Stories } from "./stories";

const PAGE_SIZE = 20;

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

/** What there is to look at: the feeds, and reels. */
export function Tabs({ here }: { here: string }) {
  const tabs = [["", "For you"], ["following", "Following"], ["reels", "Reels"]] as const;
  return (
    <nav class="tabs feed-tabs" aria-label="Which feed">
      {tabs.map(([path, word]) => <a key={path} href={`#/${path}`} aria-current={here === path}>{word}</a>)}
    </nav>
  );
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
      <Tabs here={following ? "following" : ""} />
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
