// What concerns me: who reacted, commented, mentioned, followed.
import { useEffect } from "preact/hooks";
import { ago, all, full, some } from "../format";
import { Icon, type IconName } from "../icons";
import { markInboxRead, news } from "../inbox";
import { List, usePages } from "../pages";
import { Avatar, PersonLink, remember } from "../people";
import { plaza, sentence, type Notification } from "../plaza";
import { link } from "../route";
import { say } from "../say";
import { emojiOf } from "./reactions";

const DONE: Record<string, { word: string; icon: IconName }> = {
  reacted: { word: "reacted to what you published", icon: "heart" },
  commented: { word: "commented on what you published", icon: "comment" },
  replied: { word: "replied to you", icon: "reply" },
  mentioned: { word: "mentioned you", icon: "comment" },
  shared: { word: "shared what you published", icon: "share" },
  followed: { word: "follows you", icon: "heart" },
  follow_requested: { word: "wants to follow you", icon: "lock" },
  follow_accepted: { word: "lets you follow", icon: "heart" },
};

export function Inbox() {
  const pages = usePages<Notification>("inbox", async (cursor) => {
    const page = await plaza.rest.get("/v1/notifications", { query: { cursor } });
    remember(...page.items.flatMap(({ people }) => people));
    return page;
  });
  const fresh = new Set(news.value.map(({ id }) => id));
  const items = [...news.value, ...pages.items.filter(({ id }) => !fresh.has(id))];
  const newest = items[0];
  useEffect(() => {
    if (newest && document.visibilityState === "visible") void markInboxRead(newest.at).catch(() => undefined);
  }, [newest?.id, newest?.at]);

  return (
    <>
      <header class="top"><h1>Inbox</h1></header>
      <div class="card inbox">
        <List
          pages={{ ...pages, items }}
          label="What concerns me"
          empty={<><h2>All quiet</h2><p>Reactions, comments, mentions and new followers show up here.</p></>}
          show={(line) => <Line key={line.id} line={line} />}
        />
      </div>
    </>
  );
}

function Line({ line }: { line: Notification }) {
  const { people, others, what, target } = line;
  const done = DONE[what];
  // More will come: what this page does not know, it passes over.
  if (!done || !people[0]) return null;
  const names = people.map((person) => person.name);
  const many = people.length + others;
  const verb = what === "followed" && many > 1 ? "follow you" : what === "follow_requested" && many > 1 ? "want to follow you" : done.word;
  const about = line.latest ?? target;
  const answer = async (accept: boolean) => {
    const path = { person: people[0]?.handle ?? "" };
    try {
      if (accept) await plaza.rest.put("/v1/me/follow-requests/{person}/acceptance", { path });
      else await plaza.rest.delete("/v1/me/follow-requests/{person}", { path });
      say(accept ? "They follow you now." : "Declined.");
    } catch (error) {
      say(sentence(error));
    }
  };
  return (
    <li class={line.read ? "" : "new"}>
      <span class="faces">
        <Avatar name={names[0] ?? ""} seed={people[0].handle} />
        <span class="what" aria-hidden="true">{line.reaction ? emojiOf(line.reaction) : <Icon name={done.icon} size={14} />}</span>
      </span>
      <div>
        <p>
          {others > 0 ? (
            <>
              {people.map((person, at) => <>{at > 0 && ", "}<PersonLink person={person} /></>)} and {some(others, "other")}
            </>
          ) : (
            all.formatToParts(people.map((_, at) => String(at))).map((part) =>
              part.type === "element" ? <PersonLink key={part.value} person={people[Number(part.value)]!} /> : part.value,
            )
          )}{" "}
          {verb}
          {!line.read && <span class="hidden"> (new)</span>}
        </p>
        {line.excerpt && <p class="excerpt">{about ? <a href={link("content", target ?? about)}>{line.excerpt}</a> : line.excerpt}</p>}
        <p class="meta"><time dateTime={line.at} title={full(line.at)}>{ago(line.at)}</time></p>
        {what === "follow_requested" && many === 1 && (
          <p class="answers">
            <button type="button" class="button main" onClick={() => void answer(true)}>Accept</button>
            <button type="button" class="button" onClick={() => void answer(false)}>Decline</button>
          </p>
        )}
      </div>
    </li>
  );
}
