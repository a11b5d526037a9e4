import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { Heard, Wish } from "./scenarios/world.js";
import { ROOM } from "./scenarios/scripted.js";

const USER = "usr_01kdvdna07fgas2d158ff867ye";
const SESSION = "ses_01kdvdnxh0e1a89m4n1xx0qvmd";
const LATER = "2100-01-01T00:00:00.000Z";
const AT = "2026-03-02T09:00:00.000Z";

/** A server that says what it is told to, and remembers what it was sent. */
export class ScriptedServer {
  readonly heard: Heard[] = [];
  readonly #http = createServer((request, answer) => void this.#answer(request, answer));
  readonly #sockets = new WebSocketServer({ server: this.#http, path: "/v1/socket" });
  readonly #silent = new Set<WebSocket>();
  #wish: Wish = {};
  #issued = 0;
  #oldest = 1;
  #connections = 0;

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#sockets.on("connection", (socket) => server.#greet(socket));
    await new Promise<void>((resolve) => server.#http.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  set(wish: Wish): void {
    const { silent, expireToken, ...rest } = wish;
    if (silent) for (const socket of this.#sockets.clients) this.#silent.add(socket);
    if (expireToken) this.#oldest = this.#issued + 1;
    this.#wish = { ...this.#wish, ...rest };
  }

  say(frame: object): void {
    for (const socket of this.#sockets.clients) this.#say(socket, frame);
  }

  hangUp(code: number): void {
    for (const socket of this.#sockets.clients) socket.close(code, "as told");
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #say(socket: WebSocket, frame: object): void {
    if (!this.#silent.has(socket)) socket.send(JSON.stringify(frame));
  }

  #greet(socket: WebSocket): void {
    this.#connections += 1;
    const connection = this.#connections;
    const limits = { frame_bytes: 65_536, commands_in_flight: 16, commands_per_minute: 120, topics: 1000, connections: 20 };
    const { heartbeatMs = 25_000 } = this.#wish;
    this.#say(socket, { t: "hello", heartbeat_ms: heartbeatMs, identify_within_ms: 10_000, limits, node: "n1" });
    socket.on("message", (data) => {
      const { id, op, d } = JSON.parse(String(data)) as { id: number; op: string; d: Record<string, unknown> };
      this.heard.push({ connection, op, d });
      this.#command(socket, id, op, d);
    });
  }

  #command(socket: WebSocket, id: number, op: string, d: Record<string, unknown>): void {
    const { refuse, ignore } = this.#wish;
    if (ignore === op) {
      delete this.#wish.ignore;
      return;
    }
    if (refuse?.op === op && refuse.times > 0) {
      refuse.times -= 1;
      const error = { code: refuse.code, message: "Not now.", retry: refuse.retry, retry_after_ms: 1 };
      return this.#say(socket, { t: "error", id, error });
    }
    if (op === "identify" && !this.#takes(String(d["token"]))) {
      this.#say(socket, { t: "error", id, error: { code: "token_expired", message: "Refresh it.", retry: false } });
      return socket.close(4502, "unauthenticated");
    }
    const positions = op === "channel.follow" && { positions: { [String(d["room"])]: 5 } };
    this.#say(socket, { t: "reply", id, d: this.#reply(op, d), ...positions });
  }

  #takes(token: string): boolean {
    return Number(token.replace("access-", "")) >= this.#oldest;
  }

  #reply(op: string, d: Record<string, unknown>): object {
    const { messages = 0, resume = "resync" } = this.#wish;
    switch (op) {
      case "identify": {
        const status = d["resume"] ? resume : "fresh";
        const positions = status === "resumed" ? {} : { [ROOM]: 5 };
        return { status, user: USER, session: SESSION, connection: "1", epoch: "e1", positions, replayed: 0, token_expires_at: LATER };
      }
      case "token.refresh":
        return { token_expires_at: LATER };
      case "rooms.changes":
        return { rooms: messages > 0 ? [{ id: ROOM, last_seq: messages }] : [], left: [], cursor: "c1", more: false };
      case "history": {
        const after = Number(d["after"] ?? 0);
        const limit = Number(d["limit"] ?? 50);
        const count = Math.max(0, Math.min(limit, messages - after));
        return { messages: Array.from({ length: count }, (_, index) => message(after + index + 1, String(d["room"]))), last_seq: messages };
      }
      case "channel.follow":
        return { id: d["room"], last_seq: messages };
      case "message.send":
        return { message: { ...message(1), text: d["text"], client_id: d["client_id"] }, duplicate: false, moment: `after ${String(d["text"])}` };
      default:
        return {};
    }
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0]!;
    const token = request.headers.authorization?.replace("Bearer ", "");
    for await (const _ of request) {
      // Nothing here depends on it.
    }
    const say = (status: number, body: object) =>
      answer.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" }).end(JSON.stringify(body));
    const problem = (status: number, code: string, more: object = {}) =>
      say(status, { type: `urn:plaza:problem:${code}`, title: "No", status, detail: "No.", code, request_id: "1", ...more });
    const key = request.headers["idempotency-key"] ?? null;
    this.heard.push({ connection: 0, op: path === "/v1/sessions/refresh" ? "refresh" : path, d: { key } });
    if (path === "/v1/sessions") return void say(201, { account: { id: USER, handle: "ada", name: "Ada" }, tokens: this.#tokens() });
    if (path === "/v1/sessions/refresh") return void say(200, this.#tokens());
    if (!token || !this.#takes(token)) return void problem(401, "token_expired");
    if ((this.#wish.fail ?? 0) > 0) {
      this.#wish.fail! -= 1;
      return void problem(503, "store_unavailable", { retry_after_ms: 1 });
    }
    say(200, { id: USER });
  }

  #tokens(): object {
    this.#issued += 1;
    const issued = this.#issued;
    return { session: SESSION, access_token: `access-${issued}`, access_expires_at: LATER, refresh_token: `refresh-${issued}`, refresh_expires_at: LATER };
  }
}

const message = (seq: number, room: string = ROOM) => ({
  id: `msg_${seq}`, room, seq, text: `message ${seq}`, mentions: [], version: 1, created_at: AT, reactions: [],
});
