// Rooms and what is said in them: read once, kept up to date by events, and read again when events were lost.
import { computed, signal } from "@preact/signals";
import { lookUp, remember } from "./people";
import { me, plaza, type Message, type MessageSent, type Room } from "./plaza";

export interface Receipt {
  read: number;
  delivered: number;
}

export const rooms = signal<ReadonlyMap<string, Room>>(new Map());
/** Whether the rooms were read. */
export const roomsKnown = signal(false);
/** Of rooms that were opened: what is known of their messages, in order. */
export const messages = signal<ReadonlyMap<string, readonly Message[]>>(new Map());
export const receipts = signal<ReadonlyMap<string, ReadonlyMap<string, Receipt>>>(new Map());
/** Who types where. */
export const typing = signal<ReadonlyMap<string, ReadonlySet<string>>>(new Map());

/** What is waiting to be sent, so that it is on the screen at once. */
export interface Pending {
  client_id: string;
  room: string;
  text: string;
  reply_to?: number;
  failed?: string;
}
export const pending = signal<readonly Pending[]>([]);

export const unread = computed(() => {
  let sum = 0;
  for (const room of rooms.value.values()) sum += room.membership?.muted_until ? 0 : (room.membership?.unread ?? 0);
  return sum;
});

export const inOrder = computed(() =>
  [...rooms.value.values()].sort((a, b) => latest(b).localeCompare(latest(a))),
);
const latest = (room: Room) => room.last_message?.created_at ?? room.created_at;

const PAGE_SIZE = 50;

function put(room: Room): void {
  if (room.with) remember(room.with);
  rooms.value = new Map(rooms.peek()).set(room.id, room);
}

function changeRoom(id: string, how: (room: Room) => Room): void {
  const room = rooms.peek().get(id);
  if (room) put(how(room));
}

function changeMembership(id: string, how: (mine: NonNullable<Room["membership"]>) => Partial<NonNullable<Room["membership"]>>): void {
  changeRoom(id, (room) => (room.membership ? { ...room, membership: { ...room.membership, ...how(room.membership) } } : room));
}

/** All rooms, page after page. */
export async function readRooms(): Promise<void> {
  let changed_after: string | undefined;
  const found = new Map<string, Room>();
  const before = rooms.peek();
  for (;;) {
    const changes = await plaza.rest.get("/v1/rooms", { query: { changed_after, limit: 100 } });
    for (const room of changes.rooms) found.set(room.id, room);
    for (const { room } of changes.left) found.delete(room);
    changed_after = changes.cursor;
    if (!changes.more) break;
  }
  for (const [id, room] of rooms.peek()) {
    const read = found.get(id);
    // A channel that is only visited is in no list of mine; and what came meanwhile is newer than a list that was on its way.
    if (read ? room.last_seq > read.last_seq : !room.membership || !before.has(id)) found.set(id, room);
  }
  remember(...[...found.values()].flatMap((room) => (room.with ? [room.with] : [])));
  rooms.value = found;
  roomsKnown.value = true;
}

/** What somebody said, each number once, the latest version of each. */
export function merged(known: readonly Message[], news: readonly Message[]): Message[] {
  const bySeq = new Map(known.map((message) => [message.seq, message]));
  for (const message of news) {
    const before = bySeq.get(message.seq);
    if (!before || before.version <= message.version) {
      // Events do not count reactions.
      bySeq.set(message.seq, before && message.reactions.length === 0 ? { ...message, reactions: before.reactions } : message);
    }
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

function say(room: string, news: readonly Message[]): void {
  const known = messages.peek().get(room);
  if (known) messages.value = new Map(messages.peek()).set(room, merged(known, news));
  void lookUp(news.flatMap(({ sender }) => (sender ? [sender] : [])));
}

/** Readings of rooms that are on their way, and what came meanwhile: what is read may be from before it. */
const readings = new Set<{ room: string; said: Message[]; changed: boolean }>();
/** How often a room is read in a row while its messages change. */
const READINGS_MAX = 3;

function changeMessage(room: string, seq: number, how: (message: Message) => Message): void {
  for (const reading of readings) reading.changed ||= reading.room === room;
  const known = messages.peek().get(room);
  if (known) messages.value = new Map(messages.peek()).set(room, known.map((message) => (message.seq === seq ? how(message) : message)));
}

/** A group of mine, with these people in it. */
export async function createGroup(name: string, members: string[]): Promise<Room> {
  const room = await plaza.rest.post("/v1/rooms", { body: { kind: "group", name, members } });
  put(room);
  return room;
}

/** Opens a room: itself, its newest messages, its members, and how far they have come. */
export async function openRoom(id: string, readingsLeft = READINGS_MAX): Promise<void> {
  const path = { room: id };
  const reading = { room: id, said: [] as Message[], changed: false };
  readings.add(reading);
  const read = Promise.all([
    plaza.rest.get("/v1/rooms/{room}", { path }),
    plaza.rest.get("/v1/rooms/{room}/messages", { path, query: { limit: PAGE_SIZE } }),
    plaza.rest.get("/v1/rooms/{room}/members", { path, query: { limit: 100 } }),
  ]);
  const [room, history, members] = await read.finally(() => readings.delete(reading));
  if (reading.changed && readingsLeft > 1) return openRoom(id, readingsLeft - 1);
  remember(...members.items.map(({ person }) => person));
  const known = rooms.peek().get(id);
  put(known && known.last_seq > room.last_seq ? { ...room, last_seq: known.last_seq, ...(known.last_message && { last_message: known.last_message }) } : room);
  messages.value = new Map(messages.peek()).set(id, merged(history.messages, reading.said));
  void lookUp(history.messages.flatMap(({ sender }) => (sender ? [sender] : [])));
  if (room.membership && room.kind !== "channel") {
    // Told in small rooms only.
    const told = await plaza.rest.get("/v1/rooms/{room}/receipts", { path }).catch(() => undefined);
    for (const { user, read_seq: read, delivered_seq: delivered } of told?.receipts ?? []) noteReceipt(id, user, { read, delivered });
  }
}

/** What was said before the first message that is shown; whether there is more. */
export async function readBefore(id: string): Promise<boolean> {
  const first = messages.peek().get(id)?.[0]?.seq;
  if (first === undefined || first <= 1) return false;
  const history = await plaza.rest.get("/v1/rooms/{room}/messages", { path: { room: id }, query: { before: first, limit: PAGE_SIZE } });
  say(id, history.messages);
  return history.messages.length > 0 && (history.messages[0]?.seq ?? 1) > 1;
}

export const membersOf = async (id: string) =>
  (await plaza.rest.get("/v1/rooms/{room}/members", { path: { room: id }, query: { limit: 100 } })).items;

function noteReceipt(room: string, user: string, { read, delivered }: Receipt): void {
  const known = receipts.peek().get(room) ?? new Map<string, Receipt>();
  const before = known.get(user) ?? { read: 0, delivered: 0 };
  const now = { read: Math.max(before.read, read), delivered: Math.max(before.delivered, delivered) };
  receipts.value = new Map(receipts.peek()).set(room, new Map(known).set(user, now));
}

const stops = new Map<string, ReturnType<typeof setTimeout>>();

function noteTyping(room: string, user: string, ms: number): void {
  const key = `${room} ${user}`;
  clearTimeout(stops.get(key));
  stops.delete(key);
  const now = new Set(typing.peek().get(room));
  if (ms > 0) {
    now.add(user);
    stops.set(key, setTimeout(() => noteTyping(room, user, 0), ms));
  } else if (!now.delete(user)) {
    return;
  }
  typing.value = new Map(typing.peek()).set(room, now);
}

/** Says that everything up to `seq` was seen. */
export function markRead(room: string, seq: number): void {
  const mine = rooms.peek().get(room)?.membership;
  if (!mine || mine.read_seq >= seq) return;
  changeMembership(room, () => ({ read_seq: seq, unread: 0, mentions: 0 }));
  // Asked again with the next message.
  plaza.socket.request("room.read", { room, seq }).catch(() => undefined);
}

/** Sends a message: shown at once, sent when there is a connection, and never twice. */
export async function send(room: string, text: string, reply_to?: number): Promise<void> {
  const draft: Pending = { client_id: crypto.randomUUID(), room, text, ...(reply_to === undefined ? {} : { reply_to }) };
  pending.value = [...pending.peek(), draft];
  await deliver(draft);
}

export async function deliver(draft: Pending): Promise<void> {
  const { failed: _, ...message } = draft;
  pending.value = pending.peek().map((it) => (it.client_id === draft.client_id ? message : it));
  await settle(draft.client_id, plaza.socket.request("message.send", message));
}

async function settle(client_id: string, sending: Promise<MessageSent>): Promise<void> {
  try {
    arrived((await sending).message);
  } catch (error) {
    const failed = error instanceof Error ? error.message : "It was not sent.";
    pending.value = pending.peek().map((it) => (it.client_id === client_id ? { ...it, failed } : it));
  }
}

export function giveUp(draft: Pending): void {
  pending.value = pending.peek().filter(({ client_id }) => client_id !== draft.client_id);
}

function arrived(message: Message): void {
  const mine = message.sender === me.peek()?.id;
  pending.value = pending.peek().filter(({ client_id }) => client_id !== message.client_id);
  for (const reading of readings) if (reading.room === message.room) reading.said.push(message);
  say(message.room, [message]);
  if (message.sender) noteTyping(message.room, message.sender, 0);
  const room = rooms.peek().get(message.room);
  if (!room || room.last_seq >= message.seq) return;
  put({ ...room, last_seq: message.seq, last_message: message });
  if (mine) {
    changeMembership(message.room, () => ({ read_seq: message.seq, unread: 0, mentions: 0 }));
  } else {
    changeMembership(message.room, (before) => ({ unread: before.unread + 1 }));
    if (room.membership) plaza.socket.request("room.delivered", { room: message.room, seq: message.seq }).catch(() => undefined);
  }
}

function tally(message: Message, emoji: string, by: 1 | -1, mine: boolean): Message {
  const before = message.reactions.find((it) => it.emoji === emoji) ?? { emoji, count: 0, mine: false };
  if (mine && before.mine === by > 0) return message;
  const now = { emoji, count: before.count + by, mine: mine ? by > 0 : before.mine };
  const others = message.reactions.filter((it) => it.emoji !== emoji);
  return { ...message, reactions: now.count > 0 ? [...others, now] : others };
}

export function react(message: Message, emoji: string): void {
  const on = !message.reactions.some((it) => it.emoji === emoji && it.mine);
  const ref = { room: message.room, seq: message.seq, emoji };
  const show = (by: 1 | -1) => changeMessage(message.room, message.seq, (it) => tally(it, emoji, by, true));
  show(on ? 1 : -1);
  plaza.socket.request(on ? "reaction.add" : "reaction.remove", ref).catch(() => show(on ? -1 : 1));
}

/** Begins to listen. Called once. */
export function listen(): void {
  const { socket } = plaza;
  socket.on("message.created", ({ message }) => arrived(message));
  socket.on("restored", ({ message, sent }) => {
    pending.value = [...pending.peek(), message];
    void settle(message.client_id, sent);
  });
  socket.on("message.edited", ({ room, seq, version, text, mentions, edited_at }) =>
    changeMessage(room, seq, (message) => (message.version < version ? { ...message, version, text, mentions, edited_at } : message)),
  );
  socket.on("message.deleted", ({ room, seq, version, deleted_at }) => {
    const gone = (message: Message): Message => ({ ...message, version, deleted_at, text: "", reactions: [] });
    changeMessage(room, seq, gone);
    changeRoom(room, (it) => (it.last_message?.seq === seq ? { ...it, last_message: gone(it.last_message) } : it));
  });
  const reacted = (by: 1 | -1) => ({ room, seq, user, emoji }: { room: string; seq: number; user: string; emoji: string }) =>
    changeMessage(room, seq, (message) => tally(message, emoji, by, user === me.peek()?.id));
  socket.on("reaction.added", reacted(1));
  socket.on("reaction.removed", reacted(-1));
  socket.on("receipt", ({ room, receipts: told }) => {
    for (const { user, read_seq: read, delivered_seq: delivered } of told) noteReceipt(room, user, { read, delivered });
  });
  socket.on("typing", ({ room, user, expires_in_ms }) => {
    if (user !== me.peek()?.id) noteTyping(room, user, expires_in_ms);
  });
  socket.on("read.moved", ({ room, read_seq, unread: left, mentions }) => changeMembership(room, () => ({ read_seq, unread: left, mentions })));
  socket.on("room.joined", ({ room }) => put(room));
  socket.on("room.left", ({ room }) => {
    const left = new Map(rooms.peek());
    left.delete(room);
    rooms.value = left;
  });
  socket.on("room.updated", ({ room, name, posting }) => changeRoom(room, (it) => ({ ...it, posting, ...(name === undefined ? {} : { name }) })));
  const counted = ({ room, member_count }: { room: string; member_count: number }) => changeRoom(room, (it) => ({ ...it, member_count }));
  socket.on("member.joined", counted);
  socket.on("member.left", counted);
}

/** What to do when events were lost, or not told yet: everything that is shown, or about to be, is read again. */
export async function readAgain(): Promise<void> {
  const opening = [...readings].map(({ room }) => room);
  await readRooms();
  await Promise.all([...new Set([...opening, ...messages.peek().keys()])].map((room) => openRoom(room).catch(() => undefined)));
}

/** Forgets everything: somebody else signs in. */
export function forget(): void {
  rooms.value = new Map();
  messages.value = new Map();
  receipts.value = new Map();
  typing.value = new Map();
  pending.value = [];
  roomsKnown.value = false;
}
