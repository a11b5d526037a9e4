// What is loaded into a page: the scenarios, and hands that reach out of it.
import { live } from "./live.js";
import { mocked } from "./mocked.js";
import { scripted } from "./scripted.js";
import { play, type Hands } from "./world.js";

const ALL = { live, mocked, scripted };

interface Page {
  hand(what: string, arg: unknown): Promise<unknown>;
  runScenario(part: keyof typeof ALL, name: string, url: string): Promise<void>;
}

const page = globalThis as unknown as Page;
const hands = new Proxy({} as Hands, { get: (_, what: string) => (arg: unknown) => page.hand(what, arg) });
page.runScenario = (part, name, url) => play(ALL[part][name]!, { url, hands });
