/**
 * The real program as a child process, with a stand-in for each outside party, and people who use it. Whatever is to
 * happen to the program happens from outside: it is killed, stopped and started again when a stand-in sees a request
 * at a certain point, with nothing in the program that knows of it.
 */
import type { AddedPrice } from "../../lib/catalog/price_book.ts";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { askServer } from "../../lib/operation/control_socket.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { sha256 } from "../../lib/digest.ts";
import { keys } from "../../lib/store/schema.ts";
import { createStore } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import { pick, type Random, randomFrom } from "../fixtures/random.ts";
import { nodeAt, type Server, startServer } from "../fixtures/server.ts";
import { openTestDatabase } from "../fixtures/store.ts";
import { type GeminiStandIn, startGemini } from "../stand_ins/gemini.ts";
import type { Moment } from "../stand_ins/http.ts";
import type { Lots, StandInLot } from "../stand_ins/lots.ts";
import { type NanobananaStandIn, startNanobanana } from "../stand_ins/nanobanana.ts";
import { type OpenAiStandIn, startOpenAi } from "../stand_ins/openai.ts";
import { type S3StandIn, startS3 } from "../stand_ins/s3.ts";
import {
  type Evidence,
  isFinal,
  type Rest,
  type Start,
  type Task,
  type Told,
  type Watch,
} from "./evidence.ts";
import { type Cluster, createCluster, type StoreKind } from "./cluster.ts";
import { isMixedWork, type Mixture, startMixture } from "./mixture.ts";
import { createPerson, pause, type Person } from "./person.ts";

export interface WorldOptions {
  seed: number;
  /** The source tree to run. */
  root?: string;
  /** Micro-dollars a month for each person in turn; null: no limit. */
  budgets?: (number | null)[];
  /** Which of them moderate, counted from 0. */
  moderators?: number[];
  env?: Record<string, string>;
  /** A shell's words in front of the program. */
  after?: string;
  /** Where to keep the data; a folder of its own otherwise. */
  dataDir?: string;
  isHonest?: boolean;
  /** Pictures go to S3 instead of the disk. */
  isOnS3?: boolean;
  /** With every other provider that there is. */
  isMixed?: boolean;
  /** The economy lane has prices. */
  isEconomical?: boolean;
  /** How long accepted work may take until it counts as lost. */
  patienceMs?: number;
  /** Of the program, on one store; 1 unless told otherwise, on its file. */
  nodes?: number;
  /** What those share: denokv unless told otherwise. */
  store?: StoreKind;
}

export interface World extends AsyncDisposable {
  readonly random: Random;
  readonly dataDir: string;
  readonly people: Person[];
  readonly nanobanana: NanobananaStandIn;
  readonly openai: OpenAiStandIn;
  readonly gemini: GeminiStandIn;
  readonly s3: S3StandIn;
  readonly told: Told[];
  /** The running program; of several nodes the first that runs. */
  readonly server: Server;
  /** By node; null: it does not run. */
  readonly servers: readonly (Server | null)[];
  /** What several nodes share; null: there is one. */
  readonly cluster: Cluster | null;
  /** Starts each node that does not run. */
  start(): Promise<void>;
  /** The one node, or that one of several. */
  kill(node?: number): Promise<void>;
  /** Somebody more, who came in while the program ran. */
  join(newcomer: { name: string; key: string }): Person;
  /** From now on the program runs on these data. */
  move(dataDir: string): void;
  /** Resolves with the node whose request is at that point, and keeps it there until a node was killed. */
  reaches(isThere: (moment: Moment) => boolean): Promise<number>;
  /** Waits until nothing moves any more, and hands over what there is to be judged. */
  settle(): Promise<Evidence>;
}

/** The credentials that nothing may ever show. */
const secrets = {
  NANO_BANANA_TOKEN: "secret-one",
  OPENAI_API_KEY: "secret-two",
  GEMINI_API_KEY: "secret-three",
};

/** Requests that work for a prompt, as opposed to those that ask how the provider is. */
const isWork = (moment: Moment) => /generat|record-info|files/.test(moment.path) || isMixedWork(moment);

export async function createWorld(options: WorldOptions): Promise<World> {
  const { seed, root, budgets = [null], after, isHonest = true, patienceMs = 60_000 } = options;
  const stack = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? await Deno.makeTempDir({ prefix: "darkroom-prove-" });
  stack.defer(() => Deno.remove(dataDir, { recursive: true }).catch(() => {}));
  const nanobanana = stack.use(await startNanobanana());
  const openai = stack.use(startOpenAi());
  const gemini = stack.use(await startGemini());
  const s3 = stack.use(startS3());
  const mixture: Mixture | null = options.isMixed ? startMixture(stack) : null;
  const over = new AbortController();
  const told: Told[] = [];
  const watches: Watch[] = [];
  const starts: Start[] = [];
  const watching: Promise<void>[] = [];
  const armed = new Set<{ isThere: (moment: Moment) => boolean; reached: (node: number) => void }>();
  const nodes = Array.from({ length: options.nodes ?? 1 }, (_, i): Node => ({
    dataDir: i === 0 ? dataDir : `${dataDir}/node-${i}`,
    port: "0",
    server: null,
  }));
  /** Which node it was, by the port from which it asked; seen when it begins, since its line may be gone at the end. */
  const askers = new Map<number, number>();
  let gone = Promise.withResolvers<void>();
  let kills = 0;
  let latestStart: (Start & { startedAt: number }) | null = null;

  for (const party of [nanobanana, openai, gemini, s3, ...mixture?.parties ?? []]) {
    party.onPoint = async (moment) => {
      if (isWork(moment) && latestStart !== null) latestStart.firstWorkAt ??= Date.now();
      const { port, point } = moment;
      if (armed.size > 0 && point === "received" && port !== 0) askers.set(port, await nodeAsking(port));
      for (const each of armed) {
        if (!each.isThere(moment)) continue;
        armed.delete(each);
        const held = gone.promise;
        each.reached(askers.get(moment.port) ?? 0);
        await held;
      }
    };
  }
  const env = {
    ...secrets,
    NANO_BANANA_URL: nanobanana.url,
    OPENAI_BASE_URL: `${openai.url}/v1`,
    GEMINI_BASE_URL: gemini.url,
    RATE_LIMIT_GENERATE: "0",
    RATE_LIMIT_REQUESTS: "0",
    LOG_LEVEL: "warn",
    ...mixture?.env,
    ...((options.isOnS3 || nodes.length > 1) && {
      R2_ENDPOINT: s3.address.endpoint,
      R2_BUCKET: s3.address.bucket,
      R2_ACCESS_KEY_ID: s3.address.accessKeyId,
      R2_SECRET_ACCESS_KEY: s3.address.secretAccessKey,
    }),
    ...options.env,
  };
  const lag = observeLag();
  stack.defer(lag.end);
  const random = randomFrom(seed);
  // Who uses several nodes is now with one of them, now with another.
  const url = () => pick(random, nodes.flatMap(({ server }) => server ?? [])).url;
  const surroundings = { url, over: over.signal, told, watches };
  const people = await settleIn(dataDir, budgets, {
    ...surroundings,
    isEconomical: options.isEconomical,
    moderators: options.moderators,
  });
  const { database } = pathsIn(dataDir);
  const cluster = nodes.length === 1
    ? null
    : stack.use(await createCluster({ database, nodes: nodes.length, random, store: options.store }));
  const world: World = {
    random,
    people,
    cluster,
    nanobanana,
    openai,
    gemini,
    s3,
    told,
    get dataDir() {
      return nodes[0].dataDir;
    },
    get servers() {
      return nodes.map(({ server }) => server);
    },
    get server() {
      return (nodes.find(({ server }) => server !== null) ?? nodes[0]).server!;
    },
    async start() {
      const start = { startedAt: Date.now(), readyAt: 0, openWork: knownWork(), firstWorkAt: null };
      latestStart = start;
      gone = Promise.withResolvers();
      await Promise.all(
        nodes.entries().filter(([, { server }]) => server?.isOver() ?? true).map(([i]) => startNode(i)),
      );
      start.readyAt = Date.now();
      starts.push(start);
    },
    async kill(node = 0) {
      kills++;
      if (latestStart !== null && latestStart.firstWorkAt === null) latestStart.openWork = [];
      const { server } = nodes[node];
      nodes[node].server = null;
      await server?.end("SIGKILL");
      gone.resolve();
    },
    join(newcomer) {
      const person = createPerson(surroundings, { ...newcomer, limitMicros: null });
      world.people.push(person);
      return person;
    },
    move(dataDir) {
      nodes[0].dataDir = dataDir;
    },
    reaches(isThere) {
      const { promise, resolve } = Promise.withResolvers<number>();
      armed.add({ isThere, reached: resolve });
      return promise;
    },
    async settle() {
      const rest = await lookAround();
      over.abort();
      await Promise.all(watching);
      return { told, tasks: tasks(), watches, starts, rest, isHonest, kills, lagMs: lag.worstMs() };
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      gone.resolve();
      await Promise.all(nodes.map(({ server }) => server?.end("SIGKILL")));
      await Promise.allSettled(watching);
      await stack.disposeAsync();
    },
  };
  for (const person of world.people) {
    const { watch } = person;
    person.watch = (promptId, kind) => {
      const mine = watch(promptId, kind);
      watching.push(mine.catch(() => {}));
      return mine;
    };
  }
  return world;

  async function startNode(i: number): Promise<void> {
    const node = nodes[i];
    const own = { ...cluster?.env(i), ...env, PORT: node.port };
    node.server = await startServer({ dataDir: node.dataDir, env: own, root, after });
    node.port = new URL(node.server.url).port;
  }

  async function nodeAsking(port: number): Promise<number> {
    return nodes.length === 1 ? 0 : await nodeAt(port, nodes.map(({ server }) => server));
  }

  /** A task that the program has asked for, whose picture it has not fetched, and that nobody has ended. */
  function knownWork(): string[] {
    const ended = new Set(
      told.flatMap((each) => each.what === "state" && isFinal(each.status) ? [each.promptId] : []),
    );
    const open = new Set(
      told.flatMap((each) => each.what === "accepted" && !ended.has(each.promptId) ? [each.text] : []),
    );
    const fetched = new Set([
      ...nanobanana.journal.filter(({ request }) => request === "download").map(({ taskId }) => taskId),
      ...mixture?.fetched() ?? [],
    ]);
    return tasks().filter(({ taskId, isAskedFor, text }) =>
      isAskedFor && !fetched.has(taskId) && open.has(text)
    ).map(({ text }) => text);
  }

  function tasks(): Task[] {
    const polled = new Set(
      nanobanana.journal.filter(({ request }) => request === "poll").map(({ taskId }) => taskId),
    );
    const oneShot = (provider: string, entry: { billedMicros: number }, text: string): Task[] =>
      entry.billedMicros === 0
        ? []
        : [{ provider, text, taskId: null, billedMicros: entry.billedMicros, isAskedFor: false }];
    return [
      ...nanobanana.journal.flatMap(({ request, taskId, prompt }): Task[] =>
        request !== "create" ? [] : [{
          provider: "nanobanana",
          text: prompt!,
          taskId,
          billedMicros: nanobanana.bills.get(taskId!) ?? 0,
          isAskedFor: polled.has(taskId),
        }]
      ),
      ...openai.journal.flatMap((entry) =>
        entry.path.includes("/images/") && entry.body !== null
          ? oneShot("openai", entry, entry.body.prompt)
          : []
      ),
      ...gemini.journal.flatMap((entry) =>
        entry.path.endsWith(":generateContent")
          ? oneShot("gemini", entry, entry.body.contents[0].parts[0].text)
          : []
      ),
      ...mixture?.tasks() ?? [],
      ...ofLots("openai", openai.lots, (body) => body.prompt),
      ...ofLots("gemini", gemini.lots, (body) => body.contents[0].parts[0].text),
    ];
  }

  /** Each submission of a lot asks for all of its pictures, done or not. */
  function ofLots(
    provider: string,
    lots: Lots,
    textOf: (body: StandInLot["requests"][number]["body"]) => string,
  ): Task[] {
    return lots.all.flatMap(({ id, requests, bills, polls }) =>
      requests.map(({ key, body }) => ({
        provider,
        text: textOf(body),
        taskId: id,
        billedMicros: bills.get(key) ?? 0,
        isAskedFor: polls > 0,
      }))
    );
  }

  async function lookAround(): Promise<Rest> {
    const deadline = Date.now() + patienceMs;
    const isOver = () => Date.now() > deadline;
    // Rows become prompts as long as a batch goes on.
    const batches = (await Promise.all(world.people.map(async (person) => {
      const ids = await person.listBatches();
      return await Promise.all(ids.map((id) => restingBatch(person, id, isOver)));
    }))).flat();
    const prompts = (await Promise.all(world.people.map(async (person) => {
      const ids = new Set(await person.list());
      for (const each of told) {
        if (each.what === "accepted" && each.user === person.name) ids.add(each.promptId);
      }
      const found = [];
      for (const id of ids) {
        const prompt = await restingPrompt(person, id, isOver);
        if (prompt !== null) found.push(prompt);
      }
      return found;
    }))).flat();
    const readersUntil = Date.now() + readersPatienceMs;
    while (watches.some(({ heardAt }) => heardAt === null) && Date.now() < readersUntil) await pause(20);
    const pictures = await Promise.all(
      prompts.flatMap(({ id, user, images }) =>
        images.map(async (imageId) => ({
          imageId,
          promptId: id,
          trouble: await troubleOf(personNamed(user), imageId),
        }))
      ),
    );
    const books = await Promise.all(
      world.people.map(async (person) => ({ user: person.name, ...await booksAtRest(person, isOver) })),
    );
    const report = await askServer(pathsIn(world.server.dataDir), { command: "verify", input: {} });
    const verified = report!.violations.map(({ rule, subject, detail }) => `${rule} ${subject}: ${detail}`);
    return { prompts, batches, pictures, books, verified };
  }

  function personNamed(name: string): Person {
    return world.people.find((person) => person.name === name)!;
  }
}

/** Who was not told by then counts as never told. */
const readersPatienceMs = 6000;

async function restingPrompt(person: Person, id: string, isOver: () => boolean) {
  while (true) {
    const answer = await person.send("GET", `/prompts/${id}`);
    await answer.body?.cancel();
    if (answer.status === 404) return null;
    const prompt = await person.read(id);
    if (isFinal(prompt.status) && prompt.ledger !== null || isOver()) return prompt;
    await pause(25);
  }
}

async function restingBatch(person: Person, id: string, isOver: () => boolean) {
  while (true) {
    const batch = await person.readBatch(id);
    const isAtRest = (batch.state === "DONE" || batch.state === "STOPPED") && batch.heldMicros === 0;
    if (isAtRest || isOver()) return batch;
    await pause(50);
  }
}

/** What a cancelled prompt still costs may be booked a moment after its end. */
async function booksAtRest(person: Person, isOver: () => boolean) {
  while (true) {
    const books = await person.books();
    if (books.heldMicros === 0 || isOver()) return books;
    await pause(50);
  }
}

/** Null where the bytes are there and are those of the record. */
async function troubleOf(person: Person, imageId: string): Promise<string | null> {
  const record = await (await person.send("GET", `/images/${imageId}`)).json();
  if (record.image === undefined) return "a picture that its prompt names is gone";
  const file = await person.send("GET", `/images/${imageId}/file`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (file.status !== 200) return `the bytes of a picture answer ${file.status}`;
  return sha256(bytes) === record.image.sha256 ? null : "the bytes of a picture are others";
}

interface Node {
  dataDir: string;
  /** The same each time it is started, once it is known. */
  port: string;
  server: Server | null;
}

/** Members with keys, made before the program starts. */
async function settleIn(
  dataDir: string,
  budgets: (number | null)[],
  { isEconomical = false, moderators = [], ...surroundings }:
    & Parameters<typeof createPerson>[0]
    & Pick<WorldOptions, "isEconomical" | "moderators">,
): Promise<Person[]> {
  await Deno.mkdir(dataDir, { recursive: true });
  const kv = await openTestDatabase(pathsIn(dataDir).database);
  const store = createStore({ kv, now: () => Date.now() });
  const people: Person[] = [];
  if (isEconomical) await addEconomyPrices(kv);
  for (const [index, limitMicros] of budgets.entries()) {
    const name = ["ada", "bea", "cid", "dan", "eva"][index] ?? `user-${index}`;
    const user: User = {
      id: store.ids(),
      name,
      email: null,
      role: "member",
      isDisabled: false,
      ...(moderators.includes(index) && { isModerator: true }),
      monthlyBudgetMicros: limitMicros,
      createdAt: store.now(),
    };
    await kv.set(keys.user(user.id), user);
    const key = await createApiKey(store, { userId: user.id, name: "prove", scope: "all", expiresAt: null });
    people.push(createPerson(surroundings, { name, key, limitMicros }));
  }
  kv.close();
  return people;
}

/** Half of what the price book has for a picture by itself. */
const economyPrices = { "gpt-image-2-low": 3000, "gemini-2.5-flash-image": 19_500 };

/** As an admin would add them. */
async function addEconomyPrices(kv: Deno.Kv): Promise<void> {
  for (const [model, costMicros] of Object.entries(economyPrices)) {
    const row: AddedPrice = {
      provider: model.startsWith("gpt") ? "openai" : "gemini",
      model,
      size: "*",
      quality: "standard",
      costMicros,
      lane: "economy",
      validFrom: "2026-11-01",
      by: "nobody",
      addedAt: 0,
    };
    await kv.set(keys.price(model, row.size, row.validFrom, row.lane), row);
  }
}

/** How late this process itself was at worst, which is how far its own clock readings can be trusted. */
function observeLag(): { worstMs: () => number; end: () => void } {
  const stepMs = 50;
  let worst = 0;
  let due = performance.now() + stepMs;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - due);
    due = performance.now() + stepMs;
  }, stepMs);
  return { worstMs: () => Math.round(worst), end: () => clearInterval(timer) };
}
