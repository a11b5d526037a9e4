import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The program under test: `PLAZA_BIN`, or what `cargo build` makes. */
function program(): string {
  const path = process.env["PLAZA_BIN"] ?? resolve(import.meta.dirname, "../../../../target/debug/plaza");
  if (!existsSync(path)) throw new Error(`${path} is missing: build it with cargo, or name it in PLAZA_BIN`);
  return path;
}

const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 20_000;

/** A Plaza of our own: `up` on stores that it runs itself, or `mock`. */
export class PlazaProcess {
  readonly port: number;
  readonly #command: string[];
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #said = "";

  private constructor(port: number, command: string[], folder: string) {
    this.port = port;
    this.#command = command;
    this.#folder = folder;
  }

  static async start(command: "up" | "mock"): Promise<PlazaProcess> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), "plaza-client-"));
    // PostgreSQL runs as another user when we are root, and must get through to its data.
    await chmod(folder, 0o711);
    const where = command === "up" ? ["--data-dir", join(folder, "data")] : [];
    const plaza = new PlazaProcess(port, [command, "--listen", `127.0.0.1:${port}`, ...where], folder);
    await plaza.start();
    return plaza;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it where a scenario has left it dead. */
  async revive(): Promise<void> {
    if (!this.#isAlive) await this.start();
  }

  async start(): Promise<void> {
    // Without what the shell may have set for a Plaza of its own.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PLAZA_")));
    const child = spawn(program(), this.#command, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        this.#said = (this.#said + text.toString()).slice(-8192);
      });
    }
    const path = this.#command[0] === "mock" ? "/__mock" : "/readyz";
    const deadline = Date.now() + READY_WITHIN_MS;
    for (let trouble; (trouble = await troubleWith(this.url + path)) !== undefined; ) {
      if (!this.#isAlive || Date.now() > deadline) {
        // A server that nobody will stop keeps its test file from ending.
        await this.#end("SIGTERM");
        throw new Error(`Plaza does not start: ${trouble}\n${this.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    // What a kill has left running is ended in good order by a Plaza that takes it over.
    await this.revive();
    await this.#end("SIGTERM");
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #isAlive(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || !this.#isAlive) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    await ended;
    clearTimeout(late);
  }
}

/** Why a GET is not answered with success, if it is not. */
async function troubleWith(url: string): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return ok ? undefined : `${url} answers ${status}`;
  } catch (error) {
    const { cause } = error as Error;
    return `${url}: ${cause instanceof Error ? cause.message : error}`;
  }
}

/**
 * Below the range from which the kernel gives ports to outgoing connections: none of those takes it while the server is dead.
 * Above the ports that `fetch` refuses to ask, of which 10080 is the highest (Fetch Standard, "port blocking").
 */
const [LOW, HIGH] = [12_000, 18_000];
let next = LOW + ((process.pid * 10) % (HIGH - LOW));

async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = next + 1 < HIGH ? next + 1 : LOW;
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
