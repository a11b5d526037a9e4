import { after, before, describe, test } from "node:test";
import { browser, namesOf, node, type Runtime } from "./runtimes.js";
import type { Hands } from "./scenarios/world.js";
import { ScriptedServer } from "./script.js";

const WITHIN_MS = 180_000;

function handsOf(server: ScriptedServer): Hands {
  const never = () => Promise.reject(new Error("only a real server can do this"));
  return {
    heard: async () => server.heard,
    say: async (frame) => server.say(frame),
    hangUp: async (code) => server.hangUp(code),
    set: async (wish) => server.set(wish),
    cut: never, muffle: never, kill: never, start: never,
  };
}

for (const start of [async () => node(), browser]) {
  describe(start === browser ? "Chromium" : "Node", () => {
    let runtime: Runtime;
    before(async () => {
      runtime = await start();
    });
    after(() => runtime?.stop());
    for (const name of namesOf("scripted")) {
      test(name, { timeout: WITHIN_MS }, async () => {
        const server = await ScriptedServer.start();
        try {
          await runtime.run("scripted", name, server.url, handsOf(server));
        } finally {
          await server.stop();
        }
      });
    }
  });
}
