// The thread below something, and what one has to say to it.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ago, full } from "../format";
import { Icon } from "../icons";
import { usePages } from "../pages";
import { Avatar, PersonLink, remember } from "../people";
import { me, plaza, sentence, type Content } from "../plaza";
import { say } from "../say";
import { Text } from "../text";

/** Answers farther down stand below each other. */
const INDENT_MAX = 3;
const TEXT_MAX = 5_000;

/** Each comment below the one that it answers, with how far down it is. */
export function threaded(comments: readonly Content[], root: string): { comment: Content; depth: number }[] {
  const below = new Map<string, Content[]>();
  const known = new Set(comments.map(({ id }) => id));
  for (const comment of comments) {
    // What answers something that is not shown stands at the top.
    const parent = comment.parent !== undefined && known.has(comment.parent) ? comment.parent : root;
    below.set(parent, [...(below.get(parent) ?? []), comment]);
  }
  const walk = (parent: string, depth: number): { comment: Content; depth: number }[] =>
    (below.get(parent) ?? []).flatMap((comment) => [{ comment, depth }, ...walk(comment.id, depth + 1)]);
  return walk(root, 0);
}

export function Comments({ content, onAdded }: { content: string; onAdded: (by: number) => void }) {
  const pages = usePages(content, async (cursor) => {
    const page = await plaza.rest.get("/v1/content/{content}/comments", { path: { content }, query: { thread: true, cursor } });
    remember(...page.items.map(({ author }) => author));
    return page;
  });
  const answering = useSignal<Content | undefined>(undefined);
  const text = useSignal("");
  const sending = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);

  const send = async (event: Event) => {
    event.preventDefault();
    if (text.value.trim() === "" || sending.value) return;
    sending.value = true;
    try {
      const parent = answering.value?.id ?? content;
      const comment = await plaza.rest.post("/v1/content", { body: { kind: "comment", parent, text: text.value } });
      pages.change((items) => [...items, comment]);
      text.value = "";
      answering.value = undefined;
      onAdded(1);
    } catch (error) {
      say(sentence(error));
    } finally {
      sending.value = false;
    }
  };
  const remove = async (comment: Content) => {
    try {
      await plaza.rest.delete("/v1/content/{content}", { path: { content: comment.id } });
      pages.change((items) => items.filter(({ id }) => id !== comment.id));
      onAdded(-1);
    } catch (error) {
      say(sentence(error));
    }
  };

  return (
    <section class="comments" aria-label="Comments">
      {pages.failed !== undefined && <p class="alert" role="alert">{pages.failed}</p>}
      <ul>
        {threaded(pages.items, content).map(({ comment, depth }) => (
          <li key={comment.id} class={`comment depth-${Math.min(depth, INDENT_MAX)}`}>
            <Avatar name={comment.author.name} seed={comment.author.handle} size="small" />
            <div>
              <div class="bubble">
                <PersonLink person={comment.author} />
                <p><Text text={comment.text} mentions={comment.mentions} hashtags={comment.hashtags} /></p>
              </div>
              <p class="meta">
                <time dateTime={comment.created_at} title={full(comment.created_at)}>{ago(comment.created_at)}</time>
                <button type="button" onClick={() => { answering.value = comment; field.current?.focus(); }}>
                  Reply<span class="hidden"> to {comment.author.name}</span>
                </button>
                {comment.author.id === me.value?.id && (
                  <button type="button" onClick={() => void remove(comment)}>
                    Delete<span class="hidden"> my comment</span>
                  </button>
                )}
              </p>
            </div>
          </li>
        ))}
      </ul>
      {pages.more && (
        <button type="button" class="button" onClick={pages.load} disabled={pages.loading}>
          {pages.loading ? "Loading…" : "More comments"}
        </button>
      )}
      <form class="write" onSubmit={send}>
        {me.value && <Avatar name={me.value.name} seed={me.value.handle} size="small" />}
        <div class="write-field">
          {answering.value && (
            <p class="answering">
              Replying to {answering.value.author.name}
              <button type="button" aria-label="Not as a reply" onClick={() => (answering.value = undefined)}>
                <Icon name="close" size={14} />
              </button>
            </p>
          )}
          <textarea
            ref={field}
            rows={1}
            maxLength={TEXT_MAX}
            aria-label="Write a comment"
            placeholder="Write a comment…"
            value={text}
            onInput={(event) => (text.value = event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && void send(event)}
          />
        </div>
        <button class="icon-button" aria-label="Send the comment" disabled={text.value.trim() === "" || sending.value}>
          <Icon name="send" size={20} />
        </button>
      </form>
    </section>
  );
}
