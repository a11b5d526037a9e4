// What stands around the views: where to go, who is there, and what passes on the wire.
import { useEffect, useRef } from "preact/hooks";
import { unread } from "./chat";
import { count } from "./format";
import { shown as framesShown, toggle } from "./frames";
import { Icon, Mark, type IconName } from "./icons";
import { unreadLines } from "./inbox";
import { Avatar } from "./people";
import { me } from "./plaza";
import { link, route } from "./route";
import { Said } from "./say";
import { connection, signOut } from "./session";
import { ContentView, TagView } from "./views/content";
import { Feed } from "./views/feed";
import { Frames } from "./views/frames";
import { Inbox } from "./views/inbox";
import { PersonView } from "./views/person";
import { Reels } from "./views/reels";
import { Rooms } from "./views/rooms";
import { Search } from "./views/search";
import { SignIn } from "./views/sign-in";

function View() {
  const [name, about = ""] = route.value.path;
  switch (name) {
    case undefined:
    case "following":
      return <Feed key={name ?? "ranked"} />;
    case "reels":
      return <Reels />;
    case "rooms":
      return <Rooms />;
    case "search":
      return <Search />;
    case "inbox":
      return <Inbox />;
    case "people":
      return <PersonView key={about} handle={about} />;
    case "content":
      return <ContentView key={about} id={about} />;
    case "tags":
      return <TagView key={about} tag={about} />;
    default:
      return <div class="card empty"><h1>Nothing at this address</h1><p><a href="#/">Home</a></p></div>;
  }
}

const TITLES: Record<string, string> = { reels: "Reels", rooms: "Rooms", search: "Search", inbox: "Inbox" };

interface PlaceProps {
  href: string;
  icon: IconName;
  label: string;
  here: boolean;
  many?: number;
  more?: boolean;
}

function Place({ href, icon, label, here, many = 0, more = false }: PlaceProps) {
  return (
    <li>
      <a href={href} aria-current={here ? "page" : undefined}>
        <Icon name={icon} />
        <span class="label">{label}</span>
        {many > 0 && <span class="badge">{count(many)}{more && "+"}<span class="hidden"> unread</span></span>}
      </a>
    </li>
  );
}

function Shell() {
  const person = me.value;
  const [name] = route.value.path;
  const main = useRef<HTMLElement>(null);
  const moved = useRef(false);

  useEffect(() => {
    const waiting = unread.value + unreadLines.value.unread;
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${TITLES[name ?? ""] ?? (name === "people" ? `@${route.value.path[1]}` : "Home")} · Plaza`;
  }, [name, route.value.path[1], unread.value, unreadLines.value.unread]);
  // Those who listen, or go by keys, begin where the new view begins.
  useEffect(() => {
    if (moved.current && !main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
    moved.current = true;
  }, [route.value.path.join("/")]);

  if (!person) return null;
  const wide = name === "rooms";
  return (
    <div class={["shell", wide && "wide", framesShown.value && "framed"].filter(Boolean).join(" ")}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the content</a>
      <header class="rail">
        <a class="brand" href="#/" aria-label="Plaza, home"><Mark /><span>Plaza</span></a>
        <nav aria-label="Plaza">
          <ul>
            <Place href="#/" icon="home" label="Home" here={name === undefined || name === "following" || name === "reels"} />
            <Place href="#/rooms" icon="rooms" label="Rooms" here={name === "rooms"} many={unread.value} />
            <Place href="#/search" icon="search" label="Search" here={name === "search"} />
            <Place href="#/inbox" icon="inbox" label="Inbox" here={name === "inbox"} many={unreadLines.value.unread} more={unreadLines.value.more} />
          </ul>
        </nav>
        <button type="button" class="toggle" aria-pressed={framesShown.value} onClick={toggle}>
          <Icon name="frames" /><span class="label">Frames</span>
        </button>
        <div class="me">
          <Avatar name={person.name} seed={person.handle} />
          <span class="who">
            <a href={link("people", person.handle)}>{person.name}</a>
            <span class="small soft">@{person.handle}</span>
          </span>
          <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick={() => void signOut()}><Icon name="out" size={20} /></button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {!(wide && route.value.path[1]) && (
          <div class="only-narrow narrow-bar">
            <a class="brand" href="#/" aria-label="Plaza, home"><Mark /><span>Plaza</span></a>
            <a href={link("people", person.handle)}><Avatar name={person.name} seed={person.handle} size="small" /><span class="hidden">Me, {person.name}</span></a>
            <button type="button" class="icon-button" aria-label="Sign out" onClick={() => void signOut()}><Icon name="out" size={20} /></button>
          </div>
        )}
        <View />
      </main>
      {framesShown.value && <Frames />}
      {connection.value === "waiting" && <div class="connection" role="status">No connection. Trying again…</div>}
      <Said />
    </div>
  );
}

export function App() {
  if (me.value === undefined) return null;
  return me.value === null ? <SignIn /> : <Shell key={me.value.id} />;
}
