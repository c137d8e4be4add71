/**
 * What several nodes share, as real servers: the store (denokv) with lines to it that break, one for each node, and the
 * broker (nats-server). Each is killed, stopped and started again from outside.
 */
import { connect, createServer, type Server as TcpServer, type Socket } from "node:net";
import { createDenokv, type Denokv } from "../fixtures/denokv.ts";
import { createNatsServer, type NatsServer } from "../fixtures/nats_server.ts";
import type { Random } from "../fixtures/random.ts";

/** The way from one node to the store. */
export interface Line extends AsyncDisposable {
  port: number;
  /**
   * How likely a connection is to break when the store answers on it: what was asked has been done then, and nobody
   * hears of it. 0: never.
   */
  breaks: number;
  /** Breaks all connections, and takes none until it is mended. */
  cut(): void;
  mend(): void;
}

export async function createLine({ to, random }: { to: number; random: Random }): Promise<Line> {
  const open = new Set<Socket>();
  let isCut = false;
  const server: TcpServer = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(to, "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(near);
    };
    open.add(near);
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", end).on("close", end);
    near.on("data", (bytes: Uint8Array) => void far.write(bytes));
    far.on("data", (bytes: Uint8Array) => {
      if (line.breaks > 0 && random() < line.breaks) end();
      else near.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const line: Line = {
    port: (server.address() as { port: number }).port,
    breaks: 0,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      line.cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return line;
}

export interface Cluster extends AsyncDisposable {
  denokv: Denokv;
  nats: NatsServer;
  /** By node. */
  lines: Line[];
  /** What each node is to know of it. */
  env(node: number): Record<string, string>;
}

/** At the store is the database file of a single node, if one is there. */
export async function createCluster(
  { database, nodes, random }: { database: string; nodes: number; random: Random },
): Promise<Cluster> {
  const stack = new AsyncDisposableStack();
  const denokv = stack.use(await createDenokv({ database }));
  const nats = stack.use(await createNatsServer());
  const lines = await Promise.all(
    Array.from({ length: nodes }, () => createLine({ to: denokv.port, random })),
  );
  for (const line of lines) stack.use(line);
  return {
    denokv,
    nats,
    lines,
    env: (node) => ({
      KV_URL: `http://127.0.0.1:${lines[node].port}`,
      DENO_KV_ACCESS_TOKEN: denokv.token,
      NATS_URL: nats.url,
      SECRET: "several nodes share this secret of thirty-two bytes",
      PUBLIC_URL: "http://darkroom.test",
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
