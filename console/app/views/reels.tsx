// Short videos, one after the other.
import { List, usePages } from "../pages";
import { remember } from "../people";
import { plaza, type Content } from "../plaza";
import type { Shown } from "../seen";
import { Card } from "./card";
import { Tabs } from "./feed";

const PAGE_SIZE = 10;

interface Entry {
  content: Content;
  shown: Shown;
}

async function read(cursor: string | undefined): Promise<{ items: Entry[]; next?: string | undefined }> {
  const { data, requestId } = await plaza.rest.whole("get", "/v1/reels", { query: { cursor, limit: PAGE_SIZE } });
  remember(...data.items.map(({ author }) => author));
  const items = data.items.map((content, position) => ({ content, shown: { content: content.id, request: requestId, position } }));
  return { items, next: data.next };
}

export function Reels() {
  const pages = usePages("reels", read);
  return (
    <>
      <h1 class="hidden">Reels</h1>
      <Tabs here="reels" />
      <List
        pages={pages}
        label="Reels"
        empty={<><h2>No reels yet</h2><p>Nobody has published a short video.</p></>}
        show={({ content, shown }) => (
          <li key={content.id}>
            <Card content={content} shown={shown} onGone={() => pages.change((items) => items.filter((it) => it.content.id !== content.id))} />
          </li>
        )}
      />
    </>
  );
}
