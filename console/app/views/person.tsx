// Somebody: who they are, what is between us, what they published.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { some } from "../format";
import { Icon } from "../icons";
import { List, Waiting, usePages } from "../pages";
import { Avatar, remember, stateWord, watch } from "../people";
import { me, plaza, sentence, type Content, type Person, type Summary } from "../plaza";
import { go, link } from "../route";
import { say } from "../say";
import { Text } from "../text";
import { Card } from "./card";

export function PersonRow({ person, highlights = [] }: { person: Summary; highlights?: { start: number; end: number }[] }) {
  return (
    <a class="card row" href={link("people", person.handle)}>
      <Avatar name={person.name} seed={person.handle} user={person.id} />
      <span class="about">
        <b><Text text={person.name} highlights={highlights} /></b>
        <span class="soft small">@{person.handle} {person.private && <><Icon name="lock" size={12} /> private</>}</span>
      </span>
    </a>
  );
}

export function PersonView({ handle }: { handle: string }) {
  const person = useSignal<Person | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  const path = { person: handle };
  useEffect(() => {
    person.value = undefined;
    failed.value = undefined;
    plaza.rest.get("/v1/people/{person}", { path }).then(
      (found) => {
        remember(found);
        person.value = found;
      },
      (error: unknown) => (failed.value = sentence(error)),
    );
  }, [handle]);
  const id = person.value?.id;
  useEffect(() => (id === undefined || id === me.peek()?.id ? undefined : watch([id])), [id]);
  const pages = usePages<Content>(handle, (cursor) => plaza.rest.get("/v1/people/{person}/content", { path, query: { cursor, limit: 20 } }));

  if (failed.value !== undefined) return <div class="card empty" role="alert"><h1>Nobody here</h1><p>{failed.value}</p></div>;
  if (!person.value) return <Waiting />;
  const { name, bio, counts, relation } = person.value;

  const follow = async () => {
    try {
      const next = relation?.follows || relation?.requested
        ? await plaza.rest.delete("/v1/people/{person}/follow", { path })
        : await plaza.rest.put("/v1/people/{person}/follow", { path });
      const fresh = await plaza.rest.get("/v1/people/{person}", { path });
      void next;
      person.value = fresh;
    } catch (error) {
      say(sentence(error));
    }
  };
  const write = async () => {
    try {
      const room = await plaza.rest.post("/v1/rooms", { body: { kind: "direct", user: person.value?.id ?? "" } });
      go(link("rooms", room.id));
    } catch (error) {
      say(sentence(error));
    }
  };
  return (
    <>
      <section class="card profile" aria-labelledby="person-name">
        <Avatar name={name} seed={person.value.handle} user={person.value.id} size="large" />
        <div>
          <h1 id="person-name">{name}</h1>
          <p class="soft handle">
            @{person.value.handle}
            {person.value.private && <span class="label"><Icon name="lock" size={12} /> Private</span>}
            {relation?.followed_by && <span class="label">Follows you</span>}
            {stateWord(person.value.id) && <span class="hidden">, {stateWord(person.value.id)}</span>}
          </p>
          {bio && <p class="bio">{bio}</p>}
          <p class="small soft"><b>{some(counts.followers, "follower")}</b> · follows <b>{some(counts.following, "person", "people")}</b></p>
        </div>
        {relation && (
          <p class="answers">
            <button type="button" class={`button ${relation.follows || relation.requested ? "" : "main"}`} aria-pressed={relation.follows} onClick={() => void follow()}>
              {relation.follows ? "Following" : relation.requested ? "Asked" : "Follow"}
            </button>
            <button type="button" class="button" onClick={() => void write()}>Message</button>
          </p>
        )}
      </section>
      <List
        pages={pages}
        label={`What ${name} published`}
        empty={<><h2>Nothing to see</h2><p>{person.value.private && !relation?.follows && relation ? "Only followers see what is published here." : "Nothing was published yet."}</p></>}
        show={(content) => <li key={content.id}><Card content={content} onGone={() => pages.change((items) => items.filter(({ id }) => id !== content.id))} /></li>}
      />
    </>
  );
}
