/** The real program as one node or several, with the people who use it: on its own file, or on a store and NATS. */
import { join } from "node:path";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { startSession } from "../../lib/identity/session.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { migrateRecords } from "../../lib/store/migrations.ts";
import { openPostgres } from "../../lib/store/postgres/open_postgres.ts";
import { keys } from "../../lib/store/schema.ts";
import { createStore } from "../../lib/store/store.ts";
import { ensureOwner, type User } from "../../lib/users/user.ts";
import { createDenokv } from "../fixtures/denokv.ts";
import { createNatsServer } from "../fixtures/nats_server.ts";
import { createPostgres, type Postgres } from "../fixtures/postgres.ts";
import { type Server, startServer } from "../fixtures/server.ts";
import { openTestDatabase } from "../fixtures/store.ts";
import { startS3 } from "../stand_ins/s3.ts";
import { publicUrl, secret } from "./darkroom.ts";
import { plainPicture } from "./instant_provider.ts";
import { runProgram } from "./processes.ts";

type Headers = { [name: string]: string };

export interface NodeStudio extends AsyncDisposable {
  /** By node; null: it was killed, and not started again. */
  servers: (Server | null)[];
  /** The headers of each of its people, as a program and in a browser. */
  people: { key: Headers; session: Headers }[];
  /** Starts a node, or starts it again where it was. */
  start(node: number): Promise<Server>;
  kill(node: number): Promise<void>;
}

export interface NodeStudioOptions {
  newFolder(): Promise<string>;
  /** 0: one, on its own file. */
  nodes: number;
  /** What they share; left out: denokv. */
  store?: "denokv" | "postgres";
  people: number;
  /** To the others; false: by the store alone. */
  withBus?: boolean;
  env?: Record<string, string>;
  /** Of that node alone. */
  envOf?: (node: number) => Record<string, string>;
  /** Instead of `main.ts`. */
  main?: string;
}

/** With all its nodes started. */
export async function openNodeStudio(options: NodeStudioOptions): Promise<NodeStudio> {
  const { newFolder, nodes, withBus = false, main, envOf = () => ({}) } = options;
  await using stack = new AsyncDisposableStack();
  const s3 = stack.use(startS3());
  const folder = await newFolder();
  const { database } = pathsIn(folder);
  const postgres = options.store === "postgres" ? stack.use(await createPostgres()) : null;
  const people = await settleIn(() => openFor(database, postgres), options.people);
  const env: Record<string, string> = {
    SECRET: secret,
    PUBLIC_URL: publicUrl,
    LOG_LEVEL: "warn",
    RATE_LIMIT_GENERATE: "0",
    RATE_LIMIT_REQUESTS: "0",
    R2_ENDPOINT: s3.address.endpoint,
    R2_BUCKET: s3.address.bucket,
    R2_ACCESS_KEY_ID: s3.address.accessKeyId,
    R2_SECRET_ACCESS_KEY: s3.address.secretAccessKey,
    ...options.env,
  };
  if (postgres !== null) env.KV_URL = postgres.url;
  else if (nodes > 0) {
    const denokv = stack.use(await createDenokv({ database }));
    Object.assign(env, { KV_URL: denokv.url, DENO_KV_ACCESS_TOKEN: denokv.token });
  }
  if (withBus) env.NATS_URL = stack.use(await createNatsServer()).url;
  const servers: (Server | null)[] = Array.from({ length: Math.max(1, nodes) }, () => null);
  const ports = servers.map(() => "0");
  stack.defer(async () => void await Promise.all(servers.map((server) => server?.end("SIGKILL"))));
  const studio: NodeStudio = {
    servers,
    people,
    async start(node) {
      const dataDir = nodes === 0 ? folder : join(folder, `node-${node}`);
      const own = { ...env, PORT: ports[node], ...envOf(node) };
      const server = await startServer({ dataDir, env: own, main });
      ports[node] = new URL(server.url).port;
      servers[node] = server;
      return server;
    },
    async kill(node) {
      const server = servers[node];
      servers[node] = null;
      await server?.end("SIGKILL");
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
  for (const node of servers.keys()) await studio.start(node);
  const ended = stack.move();
  return studio;
}

/** With records of today's version. */
async function openFor(database: string, postgres: Postgres | null): Promise<Deno.Kv> {
  if (postgres === null) return await openTestDatabase(database);
  const kv = await openPostgres(postgres.url, { log: () => {} });
  await migrateRecords(kv, { now: Date.now, log: () => {} });
  return kv;
}

/** An owner and members, before the program starts. */
async function settleIn(open: () => Promise<Deno.Kv>, count: number): Promise<NodeStudio["people"]> {
  using kv = await open();
  const store = createStore({ kv, now: () => Date.now() });
  const owner = await ensureOwner(store);
  const people: NodeStudio["people"] = [];
  for (let i = 0; i < count; i++) {
    const member: User = { ...owner, id: store.ids(), name: `Member ${i}`, role: "member" };
    await kv.set(keys.user(member.id), member);
    const key = await createApiKey(store, {
      userId: member.id,
      name: "bench",
      scope: "all",
      expiresAt: null,
    });
    people.push({
      key: { Authorization: `Bearer ${key}` },
      session: { Cookie: `darkroom=${await startSession(store, member.id)}` },
    });
  }
  return people;
}

/** Asks for a picture, does not wait for it unless that is wanted, and returns the prompt's id. */
export async function generate(
  { url }: Server,
  { key }: NodeStudio["people"][number],
  what: Record<string, string> = {},
  { isWaiting = false }: { isWaiting?: boolean } = {},
): Promise<string> {
  const answer = await fetch(`${url}/api/v1/images/generate`, {
    method: "POST",
    headers: {
      ...key,
      "Content-Type": "application/json",
      ...(!isWaiting && { "Prefer": "respond-async" }),
    },
    body: JSON.stringify({ prompt: "A lighthouse above the sea, early in the morning", ...what }),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`Answered ${answer.status}: ${body}`);
  return JSON.parse(body).promptId;
}

/** A provider that keeps what it was given, with the settings of nodes that give it one prompt at a time. */
export async function startEndlessService(folder: string) {
  const file = join(folder, "picture.png");
  await Deno.writeFile(file, await plainPicture());
  const service = runProgram("picture_service.ts", [file, "600000"]);
  const env = { OPENAI_BASE_URL: await service.nextLine(), CONCURRENCY: "1", USER_CONCURRENCY: "1" };
  return { env, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}
