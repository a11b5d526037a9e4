import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { build } from "esbuild";
import { chromium, type Browser } from "playwright-core";
import { WebSocket } from "ws";
import type { WebSocketClass } from "../src/index.js";
import { live } from "./scenarios/live.js";
import { mocked } from "./scenarios/mocked.js";
import { scripted } from "./scenarios/scripted.js";
import { play, type Hands } from "./scenarios/world.js";

const ALL = { live, mocked, scripted };
export type Part = keyof typeof ALL;
export const namesOf = (part: Part): string[] => Object.keys(ALL[part]);

/** Where scenarios run. */
export interface Runtime {
  run(part: Part, name: string, url: string, hands: Hands): Promise<void>;
  stop(): Promise<void>;
}

function node(): Runtime {
  return {
    run: (part, name, url, hands) => play(ALL[part][name]!, { url, hands, WebSocket: WebSocket as unknown as WebSocketClass }),
    stop: async () => {},
  };
}

/** Says `what` of Node and of Chromium, each with the runtime, which is there while tests run. */
export function inEachRuntime(what: (runtime: () => Runtime) => void): void {
  for (const [name, start] of [["Node", async () => node()], ["Chromium", browser]] as const) {
    describe(name, () => {
      let runtime: Runtime | undefined;
      before(async () => {
        runtime = await start();
      });
      after(() => runtime?.stop());
      what(() => runtime!);
    });
  }
}

const PAGE = "/v1/scenarios";
// A machine without a network beyond itself, and a root without a sandbox.
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A real browser: that of the machine, `CHROMIUM` or Debian's. */
async function browser(): Promise<Runtime> {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: install chromium, or name it in CHROMIUM`);
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "scenarios", "page.js")],
    bundle: true, format: "iife", platform: "browser", write: false,
  });
  const bundle = outputFiles[0]!.text;
  const started: Browser = await chromium.launch({ executablePath, args: FLAGS });
  return {
    async run(part, name, url, hands) {
      const context = await started.newContext();
      try {
        const page = await context.newPage();
        // A page of the server's own origin, as an application's would be; any will do, that of a 404 too: it has no policy against scripts.
        await page.goto(url + PAGE);
        await page.exposeFunction("hand", (what: keyof Hands, arg: never) => hands[what](arg));
        await page.addScriptTag({ content: bundle });
        await page.evaluate(([part, name, url]) => (globalThis as unknown as InPage).runScenario(part, name, url), [part, name, url] as const);
      } finally {
        await context.close();
      }
    },
    stop: () => started.close(),
  };
}

interface InPage {
  runScenario(part: Part, name: string, url: string): Promise<void>;
}
