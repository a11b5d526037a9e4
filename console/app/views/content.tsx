// One piece of content with its thread, and all that has one hashtag.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { List, Waiting, usePages } from "../pages";
import { remember } from "../people";
import { plaza, sentence, type Content } from "../plaza";
import { go } from "../route";
import type { Shown } from "../seen";
import { Card } from "./card";

export function ContentView({ id }: { id: string }) {
  const content = useSignal<Content | undefined>(undefined);
  const shown = useSignal<Shown | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  useEffect(() => {
    content.value = undefined;
    failed.value = undefined;
    const read = async () => {
      let { data, requestId } = await plaza.rest.whole("get", "/v1/content/{content}", { path: { content: id } });
      // A comment is shown with what its thread is about.
      if (data.root !== undefined) ({ data, requestId } = await plaza.rest.whole("get", "/v1/content/{content}", { path: { content: data.root } }));
      remember(data.author);
      shown.value = { content: data.id, request: requestId };
      content.value = data;
    };
    read().catch((error: unknown) => (failed.value = sentence(error)));
  }, [id]);
  if (failed.value !== undefined) return <div class="card empty" role="alert"><h1>Not here</h1><p>{failed.value}</p></div>;
  if (!content.value) return <Waiting />;
  return (
    <>
      <h1 class="hidden">By {content.value.author.name}</h1>
      <Card key={content.value.id} content={content.value} open onGone={() => go("#/")} {...(shown.value ? { shown: shown.value } : {})} />
    </>
  );
}

export function TagView({ tag }: { tag: string }) {
  const pages = usePages<Content>(tag, async (cursor) => {
    const page = await plaza.rest.get("/v1/hashtags/{tag}/content", { path: { tag }, query: { cursor, limit: 20 } });
    remember(...page.items.map(({ author }) => author));
    return page;
  });
  return (
    <>
      <header class="top"><h1>#{tag}</h1></header>
      <List
        pages={pages}
        label={`With #${tag}`}
        empty={<><h2>Nothing yet</h2><p>Nobody has used this hashtag where you may read it.</p></>}
        show={(content) => <li key={content.id}><Card content={content} /></li>}
      />
    </>
  );
}
