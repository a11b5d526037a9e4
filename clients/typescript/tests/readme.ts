import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Plaza } from "../src/index.js";

const HOME = resolve(import.meta.dirname, "../..");
const LINES_MAX = 10;
const PASSWORD = "a long enough passphrase";

/** Runs the README's first program as a reader would: against this server, with this package as it is built. */
export async function firstLines(url: string, isReal: boolean): Promise<void> {
  const readme = await readFile(join(HOME, "README.md"), "utf8");
  const program = /^```js\n(.*?)^```$/ms.exec(readme)?.[1];
  assert(program, "README.md begins with a program");
  assert(program.trimEnd().split("\n").length <= LINES_MAX, `it has at most ${LINES_MAX} lines`);
  if (isReal) {
    // On the mock, ada is there already.
    const [ada, ben] = [new Plaza({ url }), new Plaza({ url })];
    await ada.register({ handle: "ada", name: "Ada", password: PASSWORD });
    const { id: user } = await ben.register({ handle: "ben", name: "Ben", password: PASSWORD });
    await ada.rest.post("/v1/rooms", { body: { kind: "direct", user } });
  }
  // Within the package, so that its name means itself.
  const file = join(HOME, "build", `readme-${process.pid}.mjs`);
  await writeFile(file, program.replace("http://127.0.0.1:8080", url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 180_000 });
    assert.match(stdout, /Hello!/);
  } finally {
    await rm(file);
  }
}
