// Scenarios on a real Plaza.
import type { Plaza, Schemas } from "../../src/index.js";
import { WAITING_MAX } from "../../src/socket/outbox.js";
import { client, failure, numbered, PASSWORD, person, registered, restored, same, texts, until, Window, type World } from "./world.js";

/** Two people in a room of theirs, connected. */
async function two(world: World): Promise<{ ada: Plaza; ben: Plaza; room: string }> {
  const [ada, ben] = [await person(world, "ada"), await person(world, "ben")];
  const { id: room } = await ada.rest.post("/v1/rooms", { body: { kind: "direct", user: ben.person!.id } });
  await Promise.all([ada.socket.connect(), ben.socket.connect()]);
  return { ada, ben, room };
}

/** All that was said in a room, as history has it. */
async function history(plaza: Plaza, room: string): Promise<string[]> {
  const page = await plaza.rest.get("/v1/rooms/{room}/messages", { path: { room }, query: { after: 0, limit: 100 } });
  return page.messages.map((message) => message.text);
}

export const live: Record<string, (world: World) => Promise<void>> = {
  async "two people talk, see each other type, read, come and go"(world) {
    const { ada, ben, room } = await two(world);
    const heard = texts(ben, room);
    const seen: string[] = [];
    ben.socket.on("typing", ({ user, expires_in_ms: ms }) => seen.push(`${user === ada.person!.id ? "ada" : user} ${ms > 0}`));
    let read = 0;
    ada.socket.on("receipt", ({ receipts }) => {
      for (const { read_seq: seq } of receipts) read = Math.max(read, seq);
    });
    await ada.socket.request("typing.start", { room });
    await until("ben sees ada type", () => seen.includes("ada true"));
    const sent = await ada.socket.send(room, "Hello, Ben!");
    same([sent.message.seq, sent.duplicate], [1, false]);
    await until("ben hears it", () => heard.length === 1);
    await ben.socket.request("room.read", { room, seq: 1 });
    await until("ada sees that ben has read", () => read === 1);

    const states: Schemas["State"][] = [];
    const stop = ada.socket.follow(`presence:${ben.person!.id}`, {
      happening: (happening) => {
        if (happening.type === "presence") states.push(happening.state);
      },
    });
    await until("ada sees ben online", () => states.at(-1) === "online");
    await ben.socket.request("presence.set", { state: "idle" });
    await until("ada sees ben idle", () => states.at(-1) === "idle");
    stop();
    same(heard, ["Hello, Ben!"]);
  },

  async "connections are cut while people talk: nothing lost, nothing doubled, all in order"(world) {
    const { ada, ben, room } = await two(world);
    const heard = texts(ben, room);
    const own = texts(ada, room);
    const wanted = numbered(30);
    let answered = 0;
    const sending = wanted.map((text) => ada.socket.send(room, text).then(() => (answered += 1)));
    for (const after of [3, 12, 24]) {
      await until(`${after} are answered`, () => answered >= after);
      await world.hands.cut();
    }
    await Promise.all(sending);
    await until("everybody has heard everything", () => heard.length >= wanted.length && own.length >= wanted.length);
    same([heard, own], [wanted, wanted]);
    same(await history(ben, room), wanted);
  },

  async "an answer is lost: the repeat is the same message"(world) {
    const { ada, room } = await two(world);
    await world.hands.muffle();
    const sending = ada.socket.send(room, "Did you get this?");
    // Another way to the server tells that it has arrived.
    await until("it has arrived", async () => (await history(ada, room)).length === 1);
    await world.hands.cut();
    const { duplicate, message } = await sending;
    same([duplicate, message.seq], [true, 1]);
    same(await history(ada, room), ["Did you get this?"]);
  },

  async "a page ends while answers are lost: the next one sends what waited, and the repeat is the same message"(world) {
    const window = new Window(world);
    const [before, ben] = [await registered(window.page(), "ada"), await person(world, "ben")];
    const { id: room } = await before.rest.post("/v1/rooms", { body: { kind: "direct", user: ben.person!.id } });
    await Promise.all([before.socket.connect(), ben.socket.connect()]);
    const heard = texts(ben, room);
    await world.hands.muffle();
    for (const text of numbered(3)) void before.socket.send(room, text).catch(() => {});
    await until("the first has arrived", async () => (await history(ben, room)).length === 1);

    const after = window.page();
    await world.hands.cut();
    const told = restored(after);
    same((await after.restore())?.id, before.person!.id);
    same(told.texts, numbered(3));
    await after.socket.connect();
    const sent = await Promise.all(told.sent);
    same(sent.map(({ duplicate, message }) => [duplicate, message.seq]), [[true, 1], [false, 2], [false, 3]]);
    await until("ben has heard all", () => heard.length >= 3);
    same([heard, await history(ben, room), await window.messages.load()], [numbered(3), numbered(3), []]);
  },

  async "the server is killed and starts again: what waits is sent, what was missed is read"(world) {
    const { ada, ben, room } = await two(world);
    const heard = texts(ben, room);
    await ada.socket.send(room, "before");
    await until("ben hears the first", () => heard.length === 1);
    const resyncs: unknown[] = [];
    ben.socket.on("resync", (why) => resyncs.push(why));
    await world.hands.kill();
    await until("ada is cut off", () => ada.socket.state !== "ready");
    const waiting = numbered(5, "while it was down").map((text) => ada.socket.send(room, text));
    same((await failure(ada.socket.request("typing.start", { room }))).code, "offline");
    await world.hands.start();
    await Promise.all(waiting);
    await until("ben has heard all", () => heard.length >= 6);
    same(heard, ["before", ...numbered(5, "while it was down")]);
    same(await history(ada, room), heard);
    same(resyncs.length, 1, "ben was told to read anew");
  },

  async "more commands than may wait fail at once, and those that wait are sent"(world) {
    const { ada, room } = await two(world);
    await until("the socket has asked what it wants to know", () => ada.socket.waiting === 0);
    await world.hands.kill();
    await until("ada is cut off", () => ada.socket.state !== "ready");
    const given = numbered(WAITING_MAX).map(() => new AbortController());
    const sending = numbered(WAITING_MAX).map((text, index) => ada.socket.send(room, text, { signal: given[index]!.signal }));
    same(ada.socket.waiting, WAITING_MAX);
    same((await failure(ada.socket.send(room, "one more"))).code, "queue_full");
    for (const one of given.slice(3)) one.abort();
    const rest = await Promise.allSettled(sending.slice(3));
    same(rest.every((one) => one.status === "rejected" && one.reason.code === "aborted"), true);
    await world.hands.start();
    await Promise.all(sending.slice(0, 3));
    same(await history(ada, room), numbered(3));
  },

  async "an open channel is followed without joining, over a cut and a restart"(world) {
    // Ben comes back later than ada speaks.
    const [ada, ben] = [await person(world, "ada"), await person(world, "ben", { backoff: { firstMs: 3_000, longestMs: 3_000 } })];
    await Promise.all([ada.socket.connect(), ben.socket.connect()]);
    const channel = await ada.rest.post("/v1/rooms", { body: { kind: "channel", name: "News", posting: "staff" } });
    const heard: string[] = [];
    const tests: string[] = [];
    let resyncs = 0;
    const stop = ben.socket.follow(channel.id, {
      happening: (happening) => {
        if (happening.type === "message.created") (happening.message.text === "test" ? tests : heard).push(happening.message.text);
      },
      resync: () => (resyncs += 1),
    });
    await until("ben follows", async () => {
      // Until then nobody tells ben of it.
      await ada.socket.send(channel.id, "test");
      return tests.length > 0;
    });
    await world.hands.cut();
    await ada.socket.send(channel.id, "after the cut");
    await until("ben hears it", () => heard.length === 1);
    await world.hands.kill();
    await world.hands.start();
    await ada.socket.send(channel.id, "after the restart");
    await until("ben hears that too", () => heard.at(-1) === "after the restart");
    same(heard, ["after the cut", "after the restart"]);
    same(resyncs > 0, true, "its followers are told of a resync");
    stop();
  },

  async "logged out elsewhere: the socket ends, and so does the session"(world) {
    const ada = await person(world, "ada");
    await ada.socket.connect();
    const elsewhere = client(world);
    await elsewhere.logIn({ handle: ada.person!.handle, password: PASSWORD });
    const people: unknown[] = [];
    ada.on("person", (who) => people.push(who ?? null));
    await elsewhere.rest.delete("/v1/sessions", { query: { keep_current: true } });
    await until("ada is signed out", () => people.length > 0);
    same([people, ada.socket.state, ada.person ?? null], [[null], "closed", null]);
    same((await failure(ada.socket.connect())).code, "signed_out");
    await elsewhere.logOut();
    same((await failure(elsewhere.rest.get("/v1/me"))).status, 401);
  },
};
