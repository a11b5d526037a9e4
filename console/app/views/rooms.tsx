// The rooms that I am in, and one of them open beside.
import { useEffect } from "preact/hooks";
import { inOrder, pending, readRooms, rooms, roomsKnown, typing } from "../chat";
import { ago, count, full } from "../format";
import { Icon } from "../icons";
import { Waiting } from "../pages";
import { Avatar, nameOf, stateWord, watch } from "../people";
import { me, type Room } from "../plaza";
import { go, link, route } from "../route";
import { Conversation } from "./conversation";
import { NewGroup } from "./group";

export const titleOf = (room: Room): string => room.name ?? room.with?.name ?? "Somebody who left";

function lastLine(room: Room): string {
  const typists = [...(typing.value.get(room.id) ?? [])];
  if (typists.length > 0) return room.kind === "direct" ? "typing…" : `${nameOf(typists[0]).split(" ")[0]} is typing…`;
  const waiting = pending.value.findLast((it) => it.room === room.id);
  if (waiting) return `You: ${waiting.text}`;
  const last = room.last_message;
  if (!last) return "Nothing said yet";
  if (last.deleted_at) return "A message was deleted";
  if (last.sender === me.value?.id) return `You: ${last.text}`;
  const sender = room.kind === "direct" ? "" : nameOf(last.sender).split(" ")[0];
  return sender && sender !== "Somebody" ? `${sender}: ${last.text}` : last.text;
}

export function Rooms() {
  const open = route.value.path[1];
  useEffect(() => {
    if (!roomsKnown.peek()) void readRooms().catch(() => undefined);
  }, []);

  return (
    <div class={`rooms ${open ? "one-open" : ""}`}>
      <section class="room-list" aria-labelledby="rooms-title">
        <div class="room-list-top">
          <h1 id="rooms-title">Rooms</h1>
          <button type="button" class="icon-button" aria-label="New group" title="New group" onClick={() => go(link("rooms", "new"))}><Icon name="plus" /></button>
        </div>
        {!roomsKnown.value ? (
          <Waiting />
        ) : inOrder.value.length === 0 ? (
          <div class="empty">
            <h2>No rooms yet</h2>
            <p>Find somebody and write to them, or make a group.</p>
          </div>
        ) : (
          <ul>
            {inOrder.value.map((room) => (
              <RoomLine key={room.id} room={room} open={room.id === open} />
            ))}
          </ul>
        )}
      </section>
      {open === "new" ? (
        <NewGroup />
      ) : open ? (
        <Conversation key={open} id={open} room={rooms.value.get(open)} />
      ) : (
        <div class="card no-room empty">
          <h2>Pick a room</h2>
          <p>Or open a second window as somebody else, and talk to yourself.</p>
        </div>
      )}
    </div>
  );
}

function RoomLine({ room, open }: { room: Room; open: boolean }) {
  const many = room.membership?.unread ?? 0;
  const title = titleOf(room);
  const other = room.with?.id;
  useEffect(() => (other === undefined ? undefined : watch([other])), [other]);
  const state = room.kind === "direct" ? stateWord(room.with?.id) : "";
  return (
    <li>
      <a href={link("rooms", room.id)} aria-current={open ? "page" : undefined} class={many > 0 ? "unread" : ""}>
        <Avatar name={title} seed={room.with?.handle ?? room.id} group={room.kind !== "direct"} {...(room.with ? { user: room.with.id } : {})} />
        <span class="about">
          <span class="title">
            {title}
            {state && <span class="hidden">, {state}</span>}
          </span>
          <span class="line">{lastLine(room)}</span>
        </span>
        <span class="side">
          {room.last_message && (
            <time dateTime={room.last_message.created_at} title={full(room.last_message.created_at)}>{ago(room.last_message.created_at)}</time>
          )}
          {many > 0 && <span class="badge">{count(many)}<span class="hidden"> unread</span></span>}
        </span>
      </a>
    </li>
  );
}
