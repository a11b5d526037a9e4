// Never run: the type checker holds the public surface to what callers rely on.
import type { Plaza, Schemas } from "../src/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
const same = <A, B>(_: Same<A, B>): void => {};

export async function rest(plaza: Plaza): Promise<void> {
  same<Schemas["Account"], Awaited<ReturnType<typeof me>>>(true);
  const me = () => plaza.rest.get("/v1/me");
  const room = await plaza.rest.post("/v1/rooms", { body: { kind: "direct", user: "usr_1" } });
  same<Schemas["Room"], typeof room>(true);
  const page = await plaza.rest.get("/v1/rooms/{room}/messages", { path: { room: room.id }, query: { limit: 20 } });
  same<Schemas["Message"][], typeof page.messages>(true);
  const nothing = await plaza.rest.put("/v1/content/{content}/save", { path: { content: "cnt_1" } });
  same<Schemas["Engagement"], typeof nothing>(true);
  const gone: undefined = await plaza.rest.delete("/v1/content/{content}", { path: { content: "cnt_1" } });
  void gone;
  for await (const item of plaza.rest.all("/v1/feed", { query: { limit: 50 } })) same<Schemas["FeedItem"], typeof item>(true);
  const { requestId } = await plaza.rest.whole("get", "/v1/feed", {});
  await plaza.rest.post("/v1/views", { body: { views: [], page: requestId } as never });
  await plaza.rest.patch("/v1/media/{media}", { path: { media: "med_1" }, body: new Blob(), headers: { "upload-offset": "0" } });
  // @ts-expect-error The path has a parameter.
  await plaza.rest.get("/v1/rooms/{room}");
  // @ts-expect-error Nothing can be posted there.
  await plaza.rest.post("/v1/me", {});
  // @ts-expect-error It takes a body.
  await plaza.rest.post("/v1/rooms", {});
  // @ts-expect-error There is no such member.
  await plaza.rest.post("/v1/rooms", { body: { kind: "direct", person: "usr_1" } });
}

export async function socket({ socket }: Plaza): Promise<void> {
  const sent = await socket.request("message.send", { room: "room_1", text: "Hello" });
  same<Schemas["Message"], typeof sent.message>(true);
  socket.on("message.created", ({ message }, { topic }) => {
    same<Schemas["Message"], typeof message>(true);
    same<string, typeof topic>(true);
  });
  socket.on("typing", ({ user }) => same<string, typeof user>(true));
  socket.follow("room_1", {
    happening(happening) {
      if (happening.type === "message.edited") same<Schemas["MessageEdited"], typeof happening>(true);
    },
  });
  socket.follow("presence:usr_1", { happening: ({ state }) => same<"online" | "idle" | "offline", typeof state>(true) });
  // @ts-expect-error The socket identifies itself.
  await socket.request("identify", { token: "" });
  // @ts-expect-error There is no such event.
  socket.on("message.lost", () => {});
}
