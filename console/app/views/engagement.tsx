// What one can do with content: react, comment, save, share, and see less of it.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { count, some } from "../format";
import { Icon } from "../icons";
import { plaza, sentence, type Content, type Reaction } from "../plaza";
import { say } from "../say";
import { Comments } from "./comments";
import { REACTIONS, emojiOf, wordOf } from "./reactions";

type Engagement = NonNullable<Content["engagement"]>;

const NOTHING: Engagement = { counts: { reactions: {}, comments: 0, shares: 0, saves: 0, views: 0 }, mine: { saved: false, shared: false } };

/** How it looks once `reaction` is mine, or nothing is. */
export function reacted({ counts, mine }: Engagement, reaction: Reaction | undefined): Engagement {
  const reactions: Record<string, number> = { ...counts.reactions };
  if (mine.reaction) reactions[mine.reaction] = (reactions[mine.reaction] ?? 1) - 1;
  if (reaction) reactions[reaction] = (reactions[reaction] ?? 0) + 1;
  for (const [name, many] of Object.entries(reactions)) if (many <= 0) delete reactions[name];
  const { reaction: _, ...others } = mine;
  return { counts: { ...counts, reactions }, mine: reaction ? { ...others, reaction } : others };
}

interface Props {
  content: Content;
  /** Asks for less of this; where that makes no sense, nothing. */
  onLess?: (() => void) | undefined;
  open?: boolean;
}

export function EngagementBar({ content, onLess, open = false }: Props) {
  const state = useSignal<Engagement>(content.engagement ?? NOTHING);
  const picking = useSignal(false);
  const commenting = useSignal(open);
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    state.value = content.engagement ?? NOTHING;
  }, [content]);

  const path = { content: content.id };
  const { counts, mine } = state.value;
  const total = Object.values(counts.reactions).reduce((sum, many) => sum + many, 0);
  const top = Object.entries(counts.reactions).sort(([, a], [, b]) => b - a).slice(0, 3);

  /** Shows it at once, and as it was when Plaza refuses. */
  const change = async (next: Engagement, done: () => Promise<unknown>) => {
    const before = state.peek();
    state.value = next;
    try {
      await done();
    } catch (error) {
      state.value = before;
      say(sentence(error));
    }
  };
  const react = (reaction: Reaction | undefined) => {
    picking.value = false;
    void change(reacted(state.peek(), reaction), () =>
      reaction
        ? plaza.rest.put("/v1/content/{content}/reaction", { path, body: { reaction } })
        : plaza.rest.delete("/v1/content/{content}/reaction", { path }),
    );
  };
  const save = () =>
    void change({ counts: { ...counts, saves: counts.saves + (mine.saved ? -1 : 1) }, mine: { ...mine, saved: !mine.saved } }, () =>
      mine.saved ? plaza.rest.delete("/v1/content/{content}/save", { path }) : plaza.rest.put("/v1/content/{content}/save", { path }),
    );
  const share = () =>
    void change({ counts: { ...counts, shares: counts.shares + (mine.shared ? -1 : 1) }, mine: { ...mine, shared: !mine.shared } }, () =>
      mine.shared
        ? plaza.rest.delete("/v1/content/{content}/share", { path })
        : plaza.rest.put("/v1/content/{content}/share", { path, body: {} }),
    );

  useEffect(() => {
    if (!picking.value) return;
    row.current?.querySelector<HTMLButtonElement>(".picker button")?.focus();
    const away = (event: Event) => {
      if (!row.current?.contains(event.target as Node)) picking.value = false;
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [picking.value]);

  const closePicker = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !picking.value) return;
    picking.value = false;
    row.current?.querySelector<HTMLButtonElement>(".pick")?.focus();
  };

  return (
    <div class="engagement">
      {total > 0 && (
        <p class="tally">
          <span aria-hidden="true">{top.map(([name]) => emojiOf(name)).join("")}</span> {some(total, "reaction")}
        </p>
      )}
      <div class="actions" ref={row} onKeyDown={closePicker}>
        <span class="react">
          <button type="button" class={mine.reaction ? "on" : ""} aria-pressed={mine.reaction !== undefined} onClick={() => react(mine.reaction ? undefined : "like")}>
            {mine.reaction ? <span class="emoji" aria-hidden="true">{emojiOf(mine.reaction)}</span> : <Icon name="heart" size={20} />}
            <span>{mine.reaction ? wordOf(mine.reaction) : "React"}</span>
          </button>
          <button type="button" class="pick" aria-expanded={picking.value} aria-label="Choose a reaction" onClick={() => (picking.value = !picking.value)}>
            <Icon name="more" size={16} />
          </button>
        </span>
        {picking.value && (
          <span class="picker" role="group" aria-label="Reactions">
            {REACTIONS.map(({ id, emoji, word }) => (
              <button key={id} type="button" aria-label={word} title={word} aria-pressed={mine.reaction === id} onClick={() => react(mine.reaction === id ? undefined : id)}>
                {emoji}
              </button>
            ))}
          </span>
        )}
        <button type="button" aria-expanded={commenting.value} aria-label={`Comments, ${some(counts.comments, "comment")}`} onClick={() => (commenting.value = !commenting.value)}>
          <Icon name="comment" size={20} />
          {counts.comments > 0 && <span>{count(counts.comments)}</span>}
        </button>
        <button type="button" class={mine.shared ? "on" : ""} aria-pressed={mine.shared} aria-label={counts.shares > 0 ? `Share, ${count(counts.shares)}` : "Share"} title="Share with followers" onClick={share}>
          <Icon name="share" size={20} />
          {counts.shares > 0 && <span>{count(counts.shares)}</span>}
        </button>
        <button type="button" class={mine.saved ? "on" : ""} aria-pressed={mine.saved} aria-label="Save" title="Save for later" onClick={save}>
          <Icon name="save" size={20} filled={mine.saved} />
        </button>
        {onLess && (
          <button type="button" class="last" aria-label="Show me less like this" title="Show me less like this" onClick={onLess}>
            <Icon name="less" size={20} />
          </button>
        )}
      </div>
      {commenting.value && (
        <Comments
          content={content.id}
          onAdded={(by) => (state.value = { ...state.peek(), counts: { ...state.peek().counts, comments: Math.max(0, state.peek().counts.comments + by) } })}
        />
      )}
    </div>
  );
}
