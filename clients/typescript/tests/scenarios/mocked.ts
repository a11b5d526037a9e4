// Scenarios on the mock: the same client, the same calls, a server that is not there yet.
import { client, failure, PASSWORD, same, until, type World } from "./world.js";

const ROOM = "room_01kdvdq3v2f1gtr8m4n6p0s5wz";

export const mocked: Record<string, (world: World) => Promise<void>> = {
  async "two people of the mock hear each other"(world) {
    const [ada, ben] = [client(world), client(world)];
    await ada.logIn({ handle: "ada", password: PASSWORD });
    await ben.logIn({ handle: "ben", password: PASSWORD });
    const heard: string[] = [];
    ben.socket.on("message.created", ({ message }) => heard.push(message.text));
    let typing = false;
    ben.socket.on("typing", (what) => (typing ||= what.user === ada.person!.id));
    await Promise.all([ada.socket.connect(), ben.socket.connect()]);
    await ada.socket.request("typing.start", { room: ROOM });
    await ada.socket.send(ROOM, "Is anybody there?");
    await until("ben hears ada", () => heard.includes("Is anybody there?") && typing);
    // Nothing is kept for those who were away: the client is told so, and goes on.
    let resyncs = 0;
    ben.socket.on("resync", () => (resyncs += 1));
    await world.hands.cut();
    await until("ben is told", () => resyncs === 1);
    await until("ada is back", () => ada.socket.state === "ready");
    await ada.socket.send(ROOM, "And now?");
    await until("ben hears ada again", () => heard.includes("And now?"));
    same([heard.filter((text) => text === "Is anybody there?").length, heard.filter((text) => text === "And now?").length], [1, 1]);
  },

  async "requests are answered from the specs, and failures are typed"(world) {
    const ada = client(world);
    await ada.logIn({ handle: "ada", password: PASSWORD });
    const me = await ada.rest.get("/v1/me");
    same(me.handle, "ada");
    const page = await ada.rest.get("/v1/feed", { query: { limit: 10 } });
    same(page.items.length > 0, true);
    const missing = ada.rest.get("/v1/rooms/{room}", { path: { room: ROOM }, headers: { prefer: "code=404" } });
    const { code, status } = await failure(missing);
    same([code, status], ["room_not_found", 404]);
    const wrong = await failure(ada.rest.post("/v1/rooms", { body: { kind: "direct", user: "nobody" } }));
    same(wrong.status, 422);
  },
};
