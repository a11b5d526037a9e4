// A Plaza of our own with its demo community, or the one that PLAZA_URL names.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const STOP_WITHIN_MS = 20_000;

/** Settings of whoever runs the tests are for a Plaza of theirs. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PLAZA_")));

export async function serve() {
  if (process.env.PLAZA_URL) return { url: process.env.PLAZA_URL, stop: async () => {} };
  const program = process.env.PLAZA_BIN;
  if (!program) throw new Error("Name a Plaza that is up with the demo in it (PLAZA_URL), or the program (PLAZA_BIN).");
  const folder = mkdtempSync(join(tmpdir(), "plaza-console-"));
  // PostgreSQL runs as another user when we are root, and must get through to its data.
  chmodSync(folder, 0o755);
  const data = ["--data-dir", join(folder, "data")];
  const seeded = spawnSync(program, ["seed", ...data], { env, cwd: "/", encoding: "utf8" });
  if (seeded.status !== 0) throw new Error(`plaza seed: ${seeded.stderr}`);
  const server = spawn(program, ["up", "--listen", "127.0.0.1:0", ...data], { env, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  const said = [];
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: server.stderr }).on("line", (line) => {
      said.push(line);
      const found = line.trim().match(/^REST\s+(http:\S+)\/v1$/);
      if (found) resolve(found[1]);
    });
    server.once("exit", () => reject(new Error(`plaza up: ${said.join("\n")}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    const late = setTimeout(() => server.kill("SIGKILL"), STOP_WITHIN_MS);
    server.kill("SIGTERM");
    await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}
