import { after, before, beforeEach, describe, test } from "node:test";
import { PlazaProcess } from "./plaza.js";
import { Proxy } from "./proxy.js";
import { inEachRuntime, namesOf, type Part } from "./runtimes.js";
import { firstLines } from "./readme.js";
import type { Hands } from "./scenarios/world.js";

// A machine may be busy with other things, and two starts of a server are in some.
const WITHIN_MS = 300_000;

/** What can be done to a real server, and to the network before it. */
function handsOf(plaza: PlazaProcess, proxy: Proxy): Hands {
  const never = () => Promise.reject(new Error("only the scripted server can do this"));
  return {
    cut: async () => proxy.cut(),
    muffle: async () => proxy.muffle(),
    kill: () => plaza.kill(),
    start: () => plaza.start(),
    heard: never, say: never, hangUp: never, set: never,
  };
}

for (const [command, part] of [["up", "live"], ["mock", "mocked"]] as ["up" | "mock", Part][]) {
  describe(`plaza ${command}`, () => {
    let plaza: PlazaProcess;
    let proxy: Proxy;
    before(async () => {
      plaza = await PlazaProcess.start(command);
      proxy = await Proxy.start(plaza.port);
    });
    after(async () => {
      await proxy?.stop();
      await plaza?.stop();
    });
    test("the README's ten lines run as they stand", { timeout: WITHIN_MS }, () => firstLines(plaza.url, command === "up"));
    inEachRuntime((runtime) => {
      beforeEach(() => plaza.revive());
      for (const name of namesOf(part)) {
        test(name, { timeout: WITHIN_MS }, () => runtime().run(part, name, `http://127.0.0.1:${proxy.port}`, handsOf(plaza, proxy)));
      }
    });
  });
}
