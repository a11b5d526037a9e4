// A group that is about to be: its name, and who of those whom I follow is in it.
import { useSignal } from "@preact/signals";
import { createGroup } from "../chat";
import { Icon } from "../icons";
import { List, usePages } from "../pages";
import { Avatar, remember } from "../people";
import { me, plaza, sentence, type Summary } from "../plaza";
import { goInstead, link } from "../route";
import { say } from "../say";

const NAME_MAX = 80;

export function NewGroup() {
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const busy = useSignal(false);
  const mine = me.value?.id ?? "";
  const pages = usePages<Summary>(mine, async (cursor) => {
    const page = await plaza.rest.get("/v1/people/{person}/following", { path: { person: mine }, query: { cursor, limit: 50 } });
    const items = page.items.map(({ person }) => person);
    remember(...items);
    return { ...page, items };
  });

  const choose = (id: string, on: boolean) => {
    const next = new Set(chosen.value);
    on ? next.add(id) : next.delete(id);
    chosen.value = next;
  };
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name") ?? "").trim();
    if (name === "" || busy.value) return;
    busy.value = true;
    try {
      const room = await createGroup(name, [...chosen.value]);
      goInstead(link("rooms", room.id));
    } catch (error) {
      say(sentence(error));
      busy.value = false;
    }
  };
  return (
    <form class="card conversation new-group" aria-labelledby="group-title" onSubmit={(event) => void create(event)}>
      <header>
        <a class="icon-button back" href="#/rooms" aria-label="All rooms"><Icon name="back" /></a>
        <h2 id="group-title">New group</h2>
      </header>
      <label>
        <span>Name</span>
        <input class="field" name="name" required maxLength={NAME_MAX} autocomplete="off" />
      </label>
      <fieldset>
        <legend class="soft small">Who is in it, of those whom you follow</legend>
        <List
          pages={pages}
          label="Those whom I follow"
          empty={<p>You follow nobody yet.</p>}
          show={(person) => (
            <li key={person.id}>
              <label>
                <input type="checkbox" checked={chosen.value.has(person.id)} onChange={(event) => choose(person.id, event.currentTarget.checked)} />
                <Avatar name={person.name} seed={person.handle} size="small" />
                <span>{person.name} <span class="soft small">@{person.handle}</span></span>
              </label>
            </li>
          )}
        />
      </fieldset>
      <footer><button class="button main" disabled={busy.value}>{chosen.value.size > 0 ? `Create, with ${chosen.value.size}` : "Create"}</button></footer>
    </form>
  );
}
