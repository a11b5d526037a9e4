import { test } from "node:test";
import { inEachRuntime, namesOf } from "./runtimes.js";
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

inEachRuntime((runtime) => {
  for (const name of namesOf("scripted")) {
    test(name, { timeout: WITHIN_MS }, async () => {
      const server = await ScriptedServer.start();
      try {
        await runtime().run("scripted", name, server.url, handsOf(server));
      } finally {
        await server.stop();
      }
    });
  }
});
