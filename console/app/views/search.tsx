// People, hashtags, what was published, what was said; by words, and near me.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { distance, some } from "../format";
import { Icon } from "../icons";
import { List, usePages } from "../pages";
import { Avatar, remember, nameOf } from "../people";
import { plaza, type Hit } from "../plaza";
import { go, goInstead, link, route } from "../route";
import { say } from "../say";
import { Text } from "../text";
import { Card } from "./card";
import { PersonRow } from "./person";

const KINDS = [
  { id: "", word: "All" },
  { id: "person", word: "People" },
  { id: "hashtag", word: "Hashtags" },
  { id: "post,reel,livestream", word: "Posts" },
  { id: "listing", word: "For sale" },
  { id: "message", word: "Messages" },
] as const;
const RADII_M = [1_000, 5_000, 25_000, 100_000];
const RADIUS_M = 5_000;
/** Where the demo community lives: for browsers that do not tell where they are. */
const TOWN = "47.66,9.18";
const COMPLETE_AFTER_MS = 120;
const LOCATE_MAX_MS = 4_000;

export function Search() {
  const { query } = route.value;
  const q = query.get("q") ?? "";
  const kinds = query.get("kinds") ?? "";
  const near = query.get("near") ?? "";
  const radius = Number(query.get("radius") ?? RADIUS_M);
  const order = query.get("order") ?? "";

  const change = (changes: Record<string, string>) => {
    const next = new URLSearchParams(route.peek().query);
    for (const [name, value] of Object.entries(changes)) value === "" ? next.delete(name) : next.set(name, value);
    goInstead(`#/search?${next}`);
  };
  const nearMe = () => {
    if (near) return change({ near: "" });
    // Where exactly nobody needs to know: a hundred metres will do.
    const found = ({ coords }: GeolocationPosition) => change({ near: `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}` });
    const unknown = () => {
      say("This browser does not tell where it is: near the demo's town instead.");
      change({ near: TOWN });
    };
    if (navigator.geolocation) navigator.geolocation.getCurrentPosition(found, unknown, { timeout: LOCATE_MAX_MS, maximumAge: 600_000 });
    else unknown();
  };

  return (
    <>
      <header class="top"><h1>Search</h1></header>
      <Box key={q} q={q} onSearch={(text) => change({ q: text })} />
      <div class="filters">
        <div class="tabs" role="group" aria-label="What to look for">
          {KINDS.map(({ id, word }) => (
            <button key={id} type="button" aria-pressed={kinds === id} onClick={() => change({ kinds: id })}>{word}</button>
          ))}
        </div>
        <div class="near">
          <button type="button" class={`button ${near ? "on" : ""}`} aria-pressed={near !== ""} onClick={nearMe}>
            <Icon name="near" size={18} /> Near me
          </button>
          {near && (
            <label class="small soft">
              within{" "}
              <select value={String(radius)} onChange={(event) => change({ radius: event.currentTarget.value })}>
                {RADII_M.map((metres) => <option key={metres} value={metres}>{distance(metres)}</option>)}
              </select>
            </label>
          )}
          {q && (
            <label class="small soft">
              by{" "}
              <select value={order} onChange={(event) => change({ order: event.currentTarget.value })}>
                <option value="">relevance</option>
                <option value="newest">time</option>
                {near && <option value="nearest">distance</option>}
              </select>
            </label>
          )}
        </div>
      </div>
      {q || near ? <Found q={q} kinds={kinds} near={near} radius={radius} order={order} /> : <Trending />}
    </>
  );
}

function Found({ q, kinds, near, radius, order }: { q: string; kinds: string; near: string; radius: number; order: string }) {
  const pages = usePages<Hit>([q, kinds, near, radius, order].join("\n"), async (cursor) => {
    const page = await plaza.rest.get("/v1/search", {
      query: {
        ...(q && { q }),
        ...(kinds && { kinds }),
        ...(near && { near, radius_m: radius }),
        ...(order && { order: order as "newest" }),
        cursor,
      },
    });
    remember(...page.items.flatMap((hit) => (hit.type === "person" ? [hit.person] : hit.type === "content" ? [hit.content.author] : [])));
    return page;
  });
  return (
    <List
      pages={pages}
      label="What was found"
      empty={<><h2>Nothing found</h2><p>{near ? "Nothing near here. Try farther around." : "Typos are forgiven; try other words."}</p></>}
      show={(hit, at) => <li key={at}><Shown hit={hit} /></li>}
    />
  );
}

function Shown({ hit }: { hit: Hit }) {
  switch (hit.type) {
    case "person":
      return <PersonRow person={hit.person} highlights={hit.highlights} />;
    case "hashtag":
      return (
        <a class="card row" href={link("tags", hit.tag)}>
          <span class="avatar group" aria-hidden="true">#</span>
          <span class="about"><b>#{hit.tag}</b><span class="soft small">{some(hit.posts, "post")}</span></span>
        </a>
      );
    case "content":
      return <Card content={hit.content} highlights={hit.highlights} {...(hit.distance_m === undefined ? {} : { note: distance(hit.distance_m) })} />;
    case "message":
      return (
        <a class="card row" href={link("rooms", hit.message.room)}>
          <Avatar name={nameOf(hit.message.sender)} />
          <span class="about"><b>{nameOf(hit.message.sender)}</b><span><Text text={hit.message.text} highlights={hit.highlights} /></span></span>
        </a>
      );
  }
}

/** A box that completes names and hashtags; the arrow keys choose among them. */
function Box({ q, onSearch }: { q: string; onSearch: (text: string) => void }) {
  const text = useSignal(q);
  const offers = useSignal<Hit[]>([]);
  const chosen = useSignal(-1);
  const box = useRef<HTMLInputElement>(null);
  const wanted = useRef("");
  const timer = useRef<ReturnType<typeof setTimeout>>();

  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) box.current?.focus({ preventScroll: true });
  }, []);

  const complete = (beginning: string) => {
    wanted.current = beginning;
    clearTimeout(timer.current);
    chosen.value = -1;
    if (beginning.trim() === "" || beginning.includes(" ")) {
      offers.value = [];
      return;
    }
    timer.current = setTimeout(() => {
      plaza.rest.get("/v1/search/complete", { query: { q: beginning.trim(), limit: 6 } }).then(
        ({ items }) => wanted.current === beginning && (offers.value = items),
        () => undefined,
      );
    }, COMPLETE_AFTER_MS);
  };
  const hide = () => {
    wanted.current = "";
    offers.value = [];
    chosen.value = -1;
  };
  const take = (hit: Hit) => {
    hide();
    if (hit.type === "person") go(link("people", hit.person.handle));
    else if (hit.type === "hashtag") go(link("tags", hit.tag));
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const hit = offers.value[chosen.value];
    if (hit) return take(hit);
    hide();
    onSearch(text.value.trim());
  };
  const keys = (event: KeyboardEvent) => {
    const many = offers.value.length;
    if (event.key === "Escape") hide();
    if (many === 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    chosen.value = ((chosen.value + 1 + step + many + 1) % (many + 1)) - 1;
  };

  return (
    <form class="search-box" role="search" onSubmit={submit}>
      <Icon name="search" size={20} />
      <input
        ref={box}
        class="field"
        type="search"
        maxLength={200}
        role="combobox"
        aria-label="Search"
        aria-expanded={offers.value.length > 0}
        aria-controls="offers"
        aria-autocomplete="list"
        aria-activedescendant={chosen.value >= 0 ? `offer-${chosen.value}` : undefined}
        autocomplete="off"
        placeholder="People, #hashtags, posts, things…"
        value={text}
        onInput={({ currentTarget }) => { text.value = currentTarget.value; complete(currentTarget.value); }}
        onKeyDown={keys}
        onBlur={() => setTimeout(hide, 150)}
      />
      <ul id="offers" role="listbox" aria-label="Completions" hidden={offers.value.length === 0}>
        {offers.value.map((hit, at) => (
          <li key={at} id={`offer-${at}`} role="option" aria-selected={chosen.value === at} onPointerDown={(event) => { event.preventDefault(); take(hit); }}>
            {hit.type === "person" ? (
              <><Avatar name={hit.person.name} seed={hit.person.handle} size="small" /> <b>{hit.person.name}</b> <span class="soft">@{hit.person.handle}</span></>
            ) : hit.type === "hashtag" ? (
              <><span class="avatar small-one group" aria-hidden="true">#</span> <b>#{hit.tag}</b> <span class="soft">{some(hit.posts, "post")}</span></>
            ) : null}
          </li>
        ))}
      </ul>
    </form>
  );
}

function Trending() {
  const tags = useSignal<{ tag: string; people: number; posts: number }[]>([]);
  useEffect(() => {
    plaza.rest.get("/v1/trending/hashtags", { query: { limit: 10 } }).then(({ items }) => (tags.value = items), () => undefined);
  }, []);
  if (tags.value.length === 0) {
    return <div class="empty"><h2>Look for something</h2><p>A name, a word, a #hashtag. Typos are forgiven.</p></div>;
  }
  return (
    <section class="card trending" aria-labelledby="trending-title">
      <h2 id="trending-title">Talked about now</h2>
      <ol>
        {tags.value.map(({ tag, people, posts }) => (
          <li key={tag}>
            <a href={link("tags", tag)}>#{tag}</a>
            <span class="soft small">{some(people, "person", "people")}, {some(posts, "post")}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
