import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A network between clients and a server, on 127.0.0.1, that can be broken. */
export class Proxy {
  readonly #links = new Set<{ client: Socket; server: Socket; isSocket: boolean }>();
  readonly #listener = createServer((client) => this.#link(client));
  readonly #to: number;

  private constructor(to: number) {
    this.#to = to;
  }

  static async start(to: number): Promise<Proxy> {
    const proxy = new Proxy(to);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  cut(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  /** What servers say on the WebSockets of now goes nowhere. */
  muffle(): void {
    for (const { client, server, isSocket } of this.#links) {
      if (!isSocket) continue;
      server.unpipe(client);
      server.resume();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #link(client: Socket): void {
    const server = connect(this.#to, "127.0.0.1");
    const link = { client, server, isSocket: false };
    this.#links.add(link);
    client.once("data", (first: Buffer) => {
      link.isSocket = first.toString("latin1").startsWith("GET /v1/socket");
    });
    const end = () => {
      client.destroy();
      server.destroy();
      this.#links.delete(link);
    };
    for (const side of [client, server]) side.on("error", end).on("close", end);
    client.pipe(server);
    server.pipe(client);
  }
}
