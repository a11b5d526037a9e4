// One piece of content of any kind.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ago, degrees, distance, full, money, some } from "../format";
import { Icon, type IconName } from "../icons";
import { Avatar, PersonLink } from "../people";
import { me, plaza, sentence, type Content, type Why } from "../plaza";
import { link } from "../route";
import { say } from "../say";
import { useSeen, type Shown } from "../seen";
import { Text } from "../text";
import { EngagementBar } from "./engagement";
import { Gallery } from "./media";

const AUDIENCES: Partial<Record<Content["audience"], string>> = { followers: "Followers", close_friends: "Close friends", only_me: "Only me" };
const KINDS: Partial<Record<Content["kind"], string>> = { reel: "Reel", story: "Story", comment: "Comment", listing: "For sale" };
const STREAMS: Record<NonNullable<Content["state"]>, string> = { announced: "Soon live", live: "Live", ended: "Was live" };

/** Why it is there, in a few words; nothing, where that goes without saying. */
export function because(why: Why, author: string): { icon: IconName; text: ComponentChildren } | undefined {
  switch (why.type) {
    case "followed":
      return { icon: "person", text: `Because you follow ${author}` };
    case "liked_by_followed":
      return { icon: "heart", text: `${some(why.people, "person", "people")} you follow liked this` };
    case "topic":
      return { icon: "tag", text: <>Because you like <a href={link("tags", why.hashtag)}>#{why.hashtag}</a></> };
    case "near":
      return { icon: "near", text: `${distance(why.distance_m)} from you` };
    case "trending":
      return { icon: "trend", text: "Many react to this now" };
    case "new_author":
      return { icon: "spark", text: "Somebody new here" };
    default:
      return undefined;
  }
}

interface Props {
  content: Content;
  why?: Why;
  shown?: Shown;
  highlights?: { start: number; end: number }[];
  note?: ComponentChildren;
  /** Called when it is to vanish from the list. */
  onGone?: () => void;
  canLess?: boolean;
  open?: boolean;
}

export function Card({ content, why, shown, highlights = [], note, onGone, canLess = false, open = false }: Props) {
  const element = useSeen(shown);
  const less = useSignal(false);
  const { author, kind } = content;
  const reason = why && because(why, author.name.split(" ")[0] ?? author.name);
  const path = { content: content.id };

  const askForLess = async () => {
    less.value = true;
    await plaza.rest.put("/v1/feed/less/{content}", { path }).catch((error: unknown) => {
      less.value = false;
      say(sentence(error));
    });
  };
  const takeBack = async () => {
    less.value = false;
    await plaza.rest.delete("/v1/feed/less/{content}", { path }).catch((error: unknown) => say(sentence(error)));
  };
  const remove = async () => {
    try {
      await plaza.rest.delete("/v1/content/{content}", { path });
      onGone?.();
    } catch (error) {
      say(sentence(error));
    }
  };

  if (less.value) {
    return (
      <div class="card less" role="status">
        <p>You will see less like this.</p>
        <button type="button" class="button" onClick={() => void takeBack()}>
          Take back
        </button>
      </div>
    );
  }
  return (
    <article class={`card content ${kind}`} ref={element} aria-label={`${KINDS[kind] ?? "Post"} by ${author.name}`}>
      {reason && (
        <p class="why">
          <Icon name={reason.icon} size={15} /> <span>{reason.text}</span>
        </p>
      )}
      <header>
        <Avatar name={author.name} seed={author.handle} />
        <div>
          <PersonLink person={author} />
          <p class="meta">
            <span>@{author.handle}</span>
            <a href={link("content", content.id)}>
              <time dateTime={content.created_at} title={full(content.created_at)}>{ago(content.created_at)}</time>
            </a>
            {content.edited_at && <span>edited</span>}
            {AUDIENCES[content.audience] && <span class="audience"><Icon name="lock" size={12} /> {AUDIENCES[content.audience]}</span>}
          </p>
        </div>
        <span class="labels">
          {content.state ? <span class={`label state-${content.state}`}>{STREAMS[content.state]}</span> : KINDS[kind] && <span class="label">{KINDS[kind]}</span>}
          {author.id === me.value?.id && onGone && (
            <button type="button" class="icon-button" aria-label="Delete" title="Delete" onClick={() => void remove()}>
              <Icon name="bin" size={18} />
            </button>
          )}
        </span>
      </header>
      {content.title && <h2 class="title">{content.title}</h2>}
      {content.price && (
        <p class="price">
          {money(content.price)}
          {content.availability && content.availability !== "available" && <span class="label">{content.availability}</span>}
        </p>
      )}
      {content.text && (
        <p class={`text ${content.text.length < 90 && !content.media && !content.title ? "short" : ""}`}>
          <Text text={content.text} mentions={content.mentions} hashtags={content.hashtags} highlights={highlights} />
        </p>
      )}
      {content.media && <Gallery media={content.media} label={content.text || `By ${author.name}`} />}
      {(content.place || note) && (
        <p class="place">
          <Icon name="near" size={15} />
          <span>
            {content.place?.name ?? (content.place && degrees(content.place))}
            {content.place && note && " · "}
            {note}
          </span>
        </p>
      )}
      <EngagementBar content={content} open={open} onLess={canLess && author.id !== me.value?.id ? () => void askForLess() : undefined} />
    </article>
  );
}
