import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { waitMs } from "../src/backoff.js";
import type { Message } from "../src/contract.js";
import { PlazaError } from "../src/errors.js";
import { webMessages, type KeptMessage } from "../src/messages.js";
import { next } from "../src/socket/closing.js";
import { isTooOld, Kept, REPEATED_WITHIN_MS } from "../src/socket/kept.js";
import { Outbox, WAITING_MAX } from "../src/socket/outbox.js";
import { Rooms } from "../src/socket/rooms.js";
import { Progress } from "../src/socket/progress.js";
import { webTokens } from "../src/tokens.js";
import { uuid } from "../src/uuid.js";
import { storageOf } from "./scenarios/world.js";

const HOME = resolve(import.meta.dirname, "../..");

test("the bound of waits doubles up to the longest, and what was asked for comes on top", () => {
  const backoff = { firstMs: 100, longestMs: 1_000 };
  const bounds = [0, 1, 2, 3, 4, 1_000].map((failures) => waitMs(backoff, failures, 0, () => 1));
  assert.deepEqual(bounds, [100, 200, 400, 800, 1_000, 1_000]);
  assert.equal(waitMs(backoff, 3, 50, () => 0), 50);
  for (let failures = 0; failures < 50; failures += 1) assert(waitMs(backoff, failures) <= 1_000);
});

test("repeats are seen, and an event ahead moves nothing", () => {
  const progress = new Progress();
  assert.equal(progress.resume(), undefined);
  progress.restart("e1", { room_1: 5 });
  assert.deepEqual([6, 6, 9, 7].map((pos) => progress.event("room_1", pos)), ["next", "repeat", "ahead", "next"]);
  progress.resync("e1", { room_2: 3 });
  assert.deepEqual(progress.resume(), { epoch: "e1", positions: { room_1: 7, room_2: 3 } });
  progress.resync("e2", { room_2: 4 });
  assert.deepEqual(progress.resume(), { epoch: "e2", positions: { room_2: 4 } });
});

test("every close code is answered as the protocol says", async () => {
  const protocol = await readFile(join(HOME, "../../asyncapi/README.md"), "utf8");
  const rows = [...protocol.matchAll(/^\| ([\d, ]+) \| (.*?) \| (.*?) \|$/gm)].flatMap(([, codes, , wanted]) =>
    codes!.split(", ").map((code) => ({ code: Number(code), wanted: wanted! })));
  const listed = rows.filter(({ code }) => code >= 1000);
  assert(listed.length >= 14, "the table is where it was");
  for (const { code, wanted } of listed) {
    const does = next({ code, reason: "" }).do;
    const expected = wanted.startsWith("resume") || wanted.includes("in time") ? "retry"
      : wanted.startsWith("get a new token") ? "renew"
      : wanted.startsWith("log in again") || code === 4506 ? "sign_out" : "stop";
    assert.equal(does, expected, `${code}: ${wanted}`);
  }
  assert.equal(next({ code: 1006, reason: "" }).do, "retry");
});

test("commands wait up to the limit, and one past it fails", async () => {
  const outbox = new Outbox(() => true, { firstMs: 1, longestMs: 1 });
  const waiting = Array.from({ length: WAITING_MAX }, () => outbox.ask("room.read", {}));
  await assert.rejects(outbox.ask("room.read", {}), { code: "queue_full" });
  outbox.fail(new PlazaError("closed", "It was closed."));
  for (const one of waiting) await assert.rejects(one, { code: "closed" });
  assert.equal(outbox.waiting, 0);
});

test("no more commands are in flight than the server takes", async () => {
  const written: number[] = [];
  const outbox = new Outbox(({ id }) => written.push(id) > 0, { firstMs: 1, longestMs: 1 });
  const asked = [1, 2, 3].map(() => outbox.ask("history", {}, { timeoutMs: 60_000 }));
  outbox.open(2);
  assert.equal(written.length, 2);
  outbox.reply(written[0]!, {});
  assert.equal(written.length, 3);
  outbox.reply(written[1]!, {});
  outbox.reply(written[2]!, {});
  await Promise.all(asked);
});

test("a loss while rooms are looked up has them looked up again, and nothing is told after the end", async () => {
  const asked: { op: string; answer: (d: unknown) => void; fail: (error: PlazaError) => void }[] = [];
  const told: unknown[] = [];
  const rooms = new Rooms({
    request: (op) => new Promise<never>((answer, fail) => asked.push({ op, answer: answer as (d: unknown) => void, fail })),
    deliver: (message) => told.push(message.seq),
    gap: (gap) => told.push(gap),
    pause: () => Promise.resolve(),
  });
  const changes = (seq: number) => ({ rooms: [{ id: "room_1", last_seq: seq }], left: [], cursor: "c", more: false });
  const looking = [rooms.look(), rooms.look()];
  asked.shift()!.answer(changes(3));
  await new Promise(setImmediate);
  assert.equal(asked.length, 1);
  asked.shift()!.answer(changes(5));
  await Promise.all(looking);
  assert.deepEqual(asked.map(({ op }) => op), ["history"]);
  rooms.clear();
  asked.shift()!.fail(new PlazaError("closed", "The socket was closed."));
  await new Promise(setImmediate);
  assert.deepEqual(told, []);
});

test("what was said before the rooms were looked up, and comes after it, is told once", async () => {
  let answer: (d: unknown) => void = () => {};
  const rooms = new Rooms({
    request: () => new Promise<never>((resolve) => (answer = resolve as (d: unknown) => void)),
    deliver: () => assert.fail("it comes by itself"),
    gap: () => assert.fail("there is none"),
    pause: () => Promise.resolve(),
  });
  const looking = rooms.look();
  answer({ rooms: [{ id: "room_1", last_seq: 3 }], left: [], cursor: "c", more: false });
  await looking;
  const arrives = (seq: number) => rooms.arrived({ room: "room_1", seq } as Message);
  assert.deepEqual([2, 3, 3, 2, 4, 4, 3].map(arrives), [true, true, false, false, true, false, false]);
});

test("a command without an answer is out of time", async () => {
  const outbox = new Outbox(() => true, { firstMs: 1, longestMs: 1 });
  outbox.open();
  await assert.rejects(outbox.ask("message.edit", {}, { timeoutMs: 1 }), { code: "timed_out" });
});

test("a log-in is kept in a window's storage, and what is broken there is none", () => {
  const kept = new Map<string, string>();
  const storage = storageOf(kept);
  const tokens = webTokens(storage, "ada");
  void tokens.save({ account: { handle: "ada" } } as never);
  assert.deepEqual(tokens.load(), { account: { handle: "ada" } });
  kept.set("ada", "{");
  assert.equal(tokens.load(), undefined);
  void tokens.save(undefined);
  assert.equal(kept.size, 0);
});

const keptMessage = (id: string, at: number, user = "usr_ada"): KeptMessage => ({ user, at, message: { room: "room_1", client_id: id, text: id } });

test("waiting messages are kept an entry each, and what is broken there is thrown away", () => {
  const kept = new Map([["plaza", "a log-in"], ["plaza.message:x", "{"], ["plaza.message:y", "null"]]);
  const messages = webMessages(storageOf(kept));
  void messages.put(keptMessage("b", 2));
  void messages.put(keptMessage("a", 1));
  assert.deepEqual(messages.load(), [keptMessage("b", 2), keptMessage("a", 1)]);
  void messages.remove(keptMessage("b", 2));
  assert.deepEqual([...kept.keys()], ["plaza", "plaza.message:a"]);
});

test("a message is repeated for as long as the server knows it, and not a moment longer", () => {
  assert.equal(isTooOld(keptMessage("a", 1_000), 1_000 + REPEATED_WITHIN_MS), false);
  assert.equal(isTooOld(keptMessage("a", 1_000), 1_001 + REPEATED_WITHIN_MS), true);
});

test("a person's messages come back oldest first, and a store that fails costs no message", async () => {
  const store = { load: () => [keptMessage("b", 2), keptMessage("c", 3, "usr_ben"), keptMessage("a", 1)], put: () => {}, remove: () => {} };
  const texts = (await new Kept(store, () => "usr_ada").load()).map(({ message }) => message.text);
  assert.deepEqual(texts, ["a", "b"]);
  assert.deepEqual(await new Kept(store, () => undefined).load(), []);
  const fails = () => {
    throw new Error("it is full");
  };
  const kept = new Kept({ load: fails, put: fails, remove: async () => fails() }, () => "usr_ada");
  assert.deepEqual(await kept.load(), []);
  const sent = { duplicate: false } as never;
  assert.equal(await kept.send(keptMessage("a", 1).message, async () => sent), sent);
});

test("ids are random UUIDs, as the contract writes them", () => {
  assert.match(uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(uuid(), uuid());
});

test("the package has what it needs, and nothing else", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: HOME });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const path of ["package.json", "README.md", "dist/index.js", "dist/index.d.ts", "dist/generated/specs.d.ts"]) assert(paths.includes(path), path);
  assert(paths.every((path) => path.startsWith("dist/") || ["package.json", "README.md"].includes(path)), paths.join(" "));
  const { dependencies = {} } = JSON.parse(await readFile(join(HOME, "package.json"), "utf8")) as { dependencies?: object };
  assert.deepEqual(dependencies, {});
  assert.doesNotMatch(await readFile(join(HOME, "package-lock.json"), "utf8"), /"resolved"/);
});
