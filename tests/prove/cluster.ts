/**
 * What several nodes share, as real servers: the store (denokv, or PostgreSQL with a standby) with lines to it that
 * break, one for each node, and the broker (nats-server). Each is killed, stopped and started again from outside.
 */
import { connect, createServer, type Server as TcpServer, type Socket } from "node:net";
import { openPostgres } from "../../lib/store/postgres/open_postgres.ts";
import { createDenokv } from "../fixtures/denokv.ts";
import { createNatsServer, type NatsServer } from "../fixtures/nats_server.ts";
import { createPostgres, createStandby } from "../fixtures/postgres.ts";
import type { Random } from "../fixtures/random.ts";
import { openTestDatabase } from "../fixtures/store.ts";

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
  /** Keeps all connections, and lets nothing through. */
  hush(): void;
  mend(): void;
}

/** Where it leads to is asked whenever somebody connects. */
export async function createLine(
  { to, random }: { to: number | (() => number); random: Random },
): Promise<Line> {
  const open = new Set<Socket>();
  let isCut = false;
  let isHushed = false;
  const server: TcpServer = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(typeof to === "number" ? to : to(), "127.0.0.1");
    const end = () => {
      for (const socket of [near, far]) {
        socket.destroy();
        open.delete(socket);
      }
    };
    for (const socket of [near, far]) open.add(socket);
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", end).on("close", end);
    near.on("data", (bytes: Uint8Array) => void far.write(bytes));
    far.on("data", (bytes: Uint8Array) => {
      if (line.breaks > 0 && random() < line.breaks) end();
      else near.write(bytes);
    });
    if (isHushed) [near, far].forEach((socket) => socket.pause());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const line: Line = {
    port: (server.address() as { port: number }).port,
    breaks: 0,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    hush() {
      isHushed = true;
      for (const socket of open) socket.pause();
    },
    mend() {
      isCut = isHushed = false;
      for (const socket of open) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      line.cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return line;
}

export type StoreKind = "denokv" | "postgres";

/** The truth of all nodes, as whoever runs it sees it. */
interface SharedStore extends AsyncDisposable {
  port(): number;
  /** Dies, as with its machine. */
  kill(): Promise<void>;
  /** On what it had; of several servers on the one that stood by. */
  comeBack(): Promise<void>;
  /** `SIGSTOP` and `SIGCONT`; null: several processes serve it. */
  signal: ((signal: Deno.Signal) => void) | null;
  env(port: number): Record<string, string>;
}

export interface Cluster extends AsyncDisposable {
  store: Pick<SharedStore, "kill" | "comeBack"> & {
    /** It stands still, and goes on. */
    pause(): void;
    resume(): void;
  };
  nats: NatsServer;
  /** By node. */
  lines: Line[];
  /** What each node is to know of it. */
  env(node: number): Record<string, string>;
}

/** At the store is what the database file of a single node holds, if one is there. */
export async function createCluster(
  { database, nodes, random, store: kind = "denokv" }: {
    database: string;
    nodes: number;
    random: Random;
    store?: StoreKind;
  },
): Promise<Cluster> {
  const stack = new AsyncDisposableStack();
  const store = stack.use(await stores[kind](database));
  const nats = stack.use(await createNatsServer());
  const lines = await Promise.all(
    Array.from({ length: nodes }, () => createLine({ to: store.port, random })),
  );
  for (const line of lines) stack.use(line);
  return {
    store: {
      kill: store.kill,
      comeBack: store.comeBack,
      pause: () => store.signal === null ? lines.forEach((line) => line.hush()) : store.signal("SIGSTOP"),
      resume: () => store.signal === null ? lines.forEach((line) => line.mend()) : store.signal("SIGCONT"),
    },
    nats,
    lines,
    env: (node) => ({
      ...store.env(lines[node].port),
      NATS_URL: nats.url,
      SECRET: "several nodes share this secret of thirty-two bytes",
      PUBLIC_URL: "http://darkroom.test",
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const stores: Record<StoreKind, (database: string) => Promise<SharedStore>> = {
  denokv: openDenokv,
  postgres: openPostgresPair,
};

async function openDenokv(database: string): Promise<SharedStore> {
  const denokv = await createDenokv({ database });
  return {
    port: () => denokv.port,
    kill: () => denokv.end("SIGKILL"),
    comeBack: denokv.start,
    signal: denokv.signal,
    env: (port) => ({ KV_URL: `http://127.0.0.1:${port}`, DENO_KV_ACCESS_TOKEN: denokv.token }),
    [Symbol.asyncDispose]: denokv[Symbol.asyncDispose],
  };
}

/** Two servers, of which the one stands by until the other is dead; then it is alone. */
async function openPostgresPair(database: string): Promise<SharedStore> {
  const stack = new AsyncDisposableStack();
  const primary = stack.use(await createPostgres());
  await copyInto(primary.url, database);
  const standby = stack.use(await createStandby(primary));
  let current = primary;
  return {
    port: () => current.port,
    kill: () => current.server.end("SIGKILL"),
    async comeBack() {
      if (current === standby) return await standby.server.start();
      await standby.promote();
      current = standby;
    },
    signal: null,
    env: (port) => ({ KV_URL: primary.url.replace(`:${primary.port}/`, `:${port}/`) }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function copyInto(url: string, database: string): Promise<void> {
  using from = await openTestDatabase(database);
  using to = await openPostgres(url, { log: () => {} });
  for await (const { key, value } of from.list({ prefix: [] })) await to.set(key, value);
}
