// Scenarios on a server that does as it is told: what a real one does seldom.
import type { Plaza, SignedIn } from "../../src/index.js";
import { client, failure, numbered, PASSWORD, restored, same, until, Window, type World } from "./world.js";

export const ROOM = "room_01kdvdq3v2f1gtr8m4n6p0s5wz";
const CHANNEL = "room_01kdvdqdx6e9nw4d8k0p2r5t7v";

async function ada(world: World): Promise<Plaza> {
  const plaza = client(world);
  await plaza.logIn({ handle: "ada", password: PASSWORD });
  return plaza;
}

const heardOf = async (world: World, op: string) => (await world.hands.heard()).filter((frame) => frame.op === op);
const event = (pos: number, seq: number) => ({
  t: "event", topic: ROOM, pos,
  d: { type: "message.created", message: { id: `msg_${seq}`, room: ROOM, seq, text: `message ${seq}`, mentions: [], version: 1, created_at: "2026-03-02T09:00:00.000Z", reactions: [] } },
});

export const scripted: Record<string, (world: World) => Promise<void>> = {
  async "a server that goes silent is left, and the next connection resumes"(world) {
    const plaza = await ada(world);
    await world.hands.set({ heartbeatMs: 500 });
    await plaza.socket.connect();
    await world.hands.say(event(6, 1));
    await world.hands.set({ silent: true, resume: "resumed", heartbeatMs: 25_000 });
    await until("there is another connection", async () => (await heardOf(world, "identify")).length === 2);
    const [first, second] = await heardOf(world, "identify");
    same([first!.d["resume"] ?? null, second!.d["resume"]], [null, { epoch: "e1", positions: { [ROOM]: 6 } }]);
    // It was asked for a sign of life before.
    same((await heardOf(world, "token.refresh")).some(({ connection }) => connection === 1), true);
  },

  async "an event that is missing is fetched by resuming; one that is repeated is dropped"(world) {
    const plaza = await ada(world);
    const seen: number[] = [];
    plaza.socket.on("message.created", (_, { pos }) => seen.push(pos ?? 0));
    await plaza.socket.connect();
    await world.hands.set({ resume: "resumed" });
    await world.hands.say(event(6, 1));
    await world.hands.say(event(6, 1));
    await world.hands.say(event(8, 3));
    await until("it resumes", async () => (await heardOf(world, "identify")).length === 2);
    same((await heardOf(world, "identify"))[1]!.d["resume"], { epoch: "e1", positions: { [ROOM]: 6 } });
    await until("it is ready", () => plaza.socket.state === "ready");
    await world.hands.say(event(7, 2));
    await world.hands.say(event(8, 3));
    await until("both have come", () => seen.length === 3);
    same(seen, [6, 7, 8]);
  },

  async "a resync on an open connection is told, and the messages that were lost are read"(world) {
    const plaza = await ada(world);
    const seen: string[] = [];
    const resyncs: unknown[] = [];
    plaza.socket.on("message.created", ({ message }) => seen.push(message.text));
    plaza.socket.on("resync", (why) => resyncs.push(why));
    await world.hands.set({ messages: 2 });
    await plaza.socket.connect();
    await until("it knows where the rooms stand", async () => (await heardOf(world, "rooms.changes")).length === 1);
    await world.hands.say(event(6, 3));
    await world.hands.set({ messages: 250 });
    await world.hands.say({ t: "resync", reason: "gap", epoch: "e1", topics: [{ topic: ROOM, pos: 260 }] });
    await until("all have come", () => seen.length >= 248);
    same(seen, numbered(250).slice(2));
    same(resyncs, [{ topics: [ROOM] }]);
    await world.hands.say(event(261, 251));
    await until("the next one comes", () => seen.length === 249);
  },

  async "what a channel said while nobody listened is read when it is followed again, and when it was lost on the way"(world) {
    const plaza = await ada(world);
    const seen: string[] = [];
    const followedTimes = async () => (await heardOf(world, "channel.follow")).length;
    await world.hands.set({ messages: 2 });
    plaza.socket.follow(CHANNEL, {
      happening: (happening) => {
        if (happening.type === "message.created") seen.push(happening.message.text);
      },
    });
    await plaza.socket.connect();
    await until("the channel is followed", async () => (await followedTimes()) === 1 && plaza.socket.waiting === 0);
    await world.hands.set({ messages: 4 });
    await world.hands.hangUp(1012);
    await until("it is followed again, and read", () => seen.length === 2);
    same(await followedTimes(), 2);
    await world.hands.set({ messages: 5 });
    await world.hands.say({ t: "resync", reason: "gap", epoch: "e1", topics: [{ topic: CHANNEL, pos: 9 }] });
    await until("what was lost is read", () => seen.length === 3);
    same([seen, await followedTimes()], [numbered(5).slice(2), 2]);
  },

  async "messages that nobody has any more are told as a gap"(world) {
    const plaza = await ada(world);
    const told: unknown[] = [];
    plaza.socket.on("gap", (gap) => told.push(gap));
    plaza.socket.on("message.created", ({ message }) => told.push(message.seq));
    await world.hands.set({ messages: 4 });
    await plaza.socket.connect();
    await world.hands.say(event(6, 5));
    await world.hands.say(event(7, 9));
    await until("what has come is told", () => told.length === 3);
    same(told, [5, { room: ROOM, after: 5, before: 9 }, 9]);
  },

  async "the access token is changed in band before it ends"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await world.hands.say({ t: "expiring", in_ms: 60000 });
    await until("it hands the next one in", async () => (await heardOf(world, "token.refresh")).some(({ d }) => d["token"] === "access-2"));
    same((await heardOf(world, "identify")).length, 1);
  },

  async "a refused token is renewed, and the next connection has it"(world) {
    const plaza = await ada(world);
    await world.hands.set({ expireToken: true });
    await plaza.socket.connect();
    same((await heardOf(world, "identify")).map(({ d }) => d["token"]), ["access-1", "access-2"]);
  },

  async "requests that wait for a token share one exchange"(world) {
    const kept: (SignedIn | undefined)[] = [];
    const plaza = client(world, { tokens: { load: () => undefined, save: (signedIn) => void kept.push(signedIn) } });
    await plaza.logIn({ handle: "ada", password: PASSWORD });
    await world.hands.set({ expireToken: true });
    const people = await Promise.all(numbered(5).map(() => plaza.rest.get("/v1/me")));
    same(people.length, 5);
    same((await heardOf(world, "refresh")).length, 1);
    same(kept.map((signedIn) => signedIn?.tokens.access_token), ["access-1", "access-2"]);
  },

  async "what creates is repeated under one key, what may not be repeated is not"(world) {
    const plaza = await ada(world);
    await world.hands.set({ fail: 2 });
    await plaza.rest.post("/v1/rooms", { body: { kind: "direct", user: "usr_01kdvdnjs8f0na4t2agyygc3v3" } });
    const keys = (await heardOf(world, "/v1/rooms")).map(({ d }) => d["key"]);
    same([keys.length, new Set(keys).size, typeof keys[0]], [3, 1, "string"]);
    await world.hands.set({ fail: 1 });
    const { code, status } = await failure(plaza.rest.post("/v1/me/password", { body: { current_password: PASSWORD, password: "another one" } }));
    same([code, status], ["store_unavailable", 503]);
    same((await heardOf(world, "/v1/me/password")).map(({ d }) => d["key"]), [null]);
  },

  async "a command that the server was too busy for is sent again, and a room's messages keep their order"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await world.hands.set({ refuse: { op: "message.send", code: "rate_limited", retry: true, times: 2 } });
    await Promise.all(["one", "two", "three"].map((text) => plaza.socket.send(ROOM, text)));
    same((await heardOf(world, "message.send")).map(({ d }) => d["text"]), ["one", "one", "one", "two", "three"]);
    const ids = (await heardOf(world, "message.send")).map(({ d }) => d["client_id"]);
    same(new Set(ids).size, 3);
    await world.hands.set({ refuse: { op: "message.send", code: "blocked", retry: false, times: 1 } });
    same((await failure(plaza.socket.send(ROOM, "four"))).code, "blocked");
  },

  async "a message tells after which moment its id was made, and a repeat tells the same"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await plaza.socket.send(ROOM, "one");
    await world.hands.set({ refuse: { op: "message.send", code: "rate_limited", retry: true, times: 1 } });
    await Promise.all([plaza.socket.send(ROOM, "two"), plaza.socket.send(ROOM, "three")]);
    // Nobody knows when that id was made.
    await plaza.socket.send(ROOM, "four", { client_id: crypto.randomUUID() });
    const sent = (await heardOf(world, "message.send")).map(({ d }) => [d["text"], d["made_after"]]);
    const first = "after one";
    same(sent, [["one", undefined], ["two", first], ["two", first], ["three", first], ["four", undefined]]);
  },

  async "a command that may not be repeated is interrupted with its connection; one that may be is repeated"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await world.hands.set({ ignore: "message.edit" });
    const editing = failure(plaza.socket.request("message.edit", { room: ROOM, seq: 1, text: "better" }));
    await until("it is sent", async () => (await heardOf(world, "message.edit")).length === 1);
    await world.hands.set({ ignore: "room.read" });
    const reading = plaza.socket.request("room.read", { room: ROOM, seq: 1 });
    await until("that too", async () => (await heardOf(world, "room.read")).length === 1);
    await world.hands.hangUp(4000);
    same((await editing).code, "interrupted");
    await reading;
    same((await heardOf(world, "room.read")).length, 2);
  },

  async "advice to come back is followed, and ends that are for good are final"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await world.hands.say({ t: "reconnect", after_ms: 1, reason: "going_away" });
    await until("it comes back", async () => (await heardOf(world, "identify")).length === 2);
    await until("it is ready", () => plaza.socket.state === "ready");
    const states: string[] = [];
    plaza.socket.on("state", (state, { error }) => states.push(`${state} ${error?.code}`));
    await world.hands.hangUp(4505);
    await until("it ends", () => plaza.socket.state === "closed");
    same(states, ["closed too_many_connections"]);
    await plaza.socket.connect();
    same(plaza.socket.state, "ready");
    await world.hands.hangUp(4503);
    await until("it ends", () => plaza.socket.state === "closed");
    same(plaza.person ?? null, null);
  },

  async "signed out after a token was changed in band: the session is over here too"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    await world.hands.say({ t: "expiring", in_ms: 60000 });
    await until("the next token is handed in", async () => (await heardOf(world, "token.refresh")).length === 1);
    await world.hands.hangUp(4503);
    await until("it ends", () => plaza.socket.state === "closed");
    same(plaza.person ?? null, null);
  },

  async "closed and connected again in one breath: one connection, which begins anew"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    const waiting = failure(plaza.socket.send(ROOM, "never"));
    plaza.socket.close();
    await plaza.socket.connect();
    same((await waiting).code, "closed");
    await plaza.socket.send(ROOM, "hello");
    same([plaza.socket.state, (await heardOf(world, "identify")).map(({ d }) => d["resume"] ?? null)], ["ready", [null, null]]);
  },

  async "messages that waited when a page ended are sent by the next one, in order and under the same ids"(world) {
    const window = new Window(world);
    const before = window.page();
    await before.logIn({ handle: "ada", password: PASSWORD });
    await before.socket.connect();
    await world.hands.set({ ignore: "message.send" });
    for (const text of ["one", "two"]) void before.socket.send(ROOM, text).catch(() => {});
    await until("the first is sent", async () => (await heardOf(world, "message.send")).length === 1);

    const after = window.page();
    await world.hands.hangUp(1012);
    const told = restored(after);
    await after.restore();
    const third = after.socket.send(ROOM, "three");
    same([told.texts, after.socket.waiting, (await window.messages.load()).length], [["one", "two"], 3, 3]);
    // What is asked for twice is there once.
    await after.restore();
    await after.socket.connect();
    await Promise.all([...told.sent, third]);
    const sent = await heardOf(world, "message.send");
    same(sent.map(({ d }) => d["text"]), ["one", "one", "two", "three"]);
    same([sent[0]!.d["client_id"] === sent[1]!.d["client_id"], told.texts.length], [true, 2]);
    await until("none is kept", async () => (await window.messages.load()).length === 0);
  },

  async "messages that were refused, given up or somebody else's are not sent by the next page"(world) {
    const window = new Window(world);
    const before = window.page();
    await before.logIn({ handle: "ada", password: PASSWORD });
    await before.socket.connect();
    await world.hands.set({ refuse: { op: "message.send", code: "blocked", retry: false, times: 1 } });
    same((await failure(before.socket.send(ROOM, "refused"))).code, "blocked");
    const given = new AbortController();
    const late = failure(before.socket.send(ROOM, "given up", { signal: given.signal }));
    given.abort();
    same((await late).code, "aborted");
    const kept = { user: "usr_01kdvdnjs8f0na4t2agyygc3v3", at: 1, message: { room: ROOM, client_id: "1", text: "by ben" } };
    await window.messages.put(kept);

    const after = window.page();
    const told = restored(after);
    await after.restore();
    same([told.texts, await window.messages.load()], [[], [kept]]);
    const waiting = failure(after.socket.send(ROOM, "never"));
    await after.logOut();
    same([(await waiting).code, await window.messages.load()], ["closed", [kept]]);
  },

  async "what another window has refreshed is not refreshed again"(world) {
    let kept: SignedIn | undefined;
    const tokens = { load: () => kept, save: (signedIn: SignedIn | undefined) => void (kept = signedIn) };
    const [one, other] = [client(world, { tokens }), client(world, { tokens })];
    await one.logIn({ handle: "ada", password: PASSWORD });
    await other.restore();
    await world.hands.set({ expireToken: true });
    await one.rest.get("/v1/me");
    await other.rest.get("/v1/me");
    same((await heardOf(world, "refresh")).length, 1);
  },

  async "frames are shown as they pass, tokens are not"(world) {
    const plaza = await ada(world);
    const frames: string[] = [];
    plaza.socket.on("frame", ({ direction, frame }) => frames.push(`${direction} ${"op" in frame ? frame.op : frame.t}`));
    let shown = "";
    plaza.socket.on("frame", (seen) => (shown += JSON.stringify(seen)));
    await plaza.socket.connect();
    await plaza.socket.request("room.read", { room: ROOM, seq: 1 });
    same(frames.slice(0, 3), ["in hello", "out identify", "in reply"]);
    same([frames.includes("out room.read"), shown.includes("access-1")], [true, false]);
  },

  async "a command that is too long for the server is refused here"(world) {
    const plaza = await ada(world);
    await plaza.socket.connect();
    same((await failure(plaza.socket.send(ROOM, "a".repeat(65_536)))).code, "frame_too_large");
    await plaza.socket.send(ROOM, "short");
  },
};
