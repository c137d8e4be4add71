/**
 * What the records are kept in, side by side: a file, denokv and PostgreSQL, each as the program uses it, and one node of
 * the real program on each. What several nodes do on denokv is in `several_nodes.ts`.
 */
import { join } from "node:path";
import { connectKv } from "../../lib/store/connected_kv.ts";
import { openPostgres } from "../../lib/store/postgres/open_postgres.ts";
import { isProgramThere } from "../fixtures/child_server.ts";
import { createDenokv, denokvProgram } from "../fixtures/denokv.ts";
import { createPostgres, isPostgresLeftOut } from "../fixtures/postgres.ts";
import { type Bench, type BenchContext, type Figure, median, milliseconds, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { generate, type NodeStudio, openNodeStudio, startEndlessService } from "./node_studio.ts";
import { commitBare } from "./observed_kv.ts";
import { runProgram } from "./processes.ts";
import { bareCommits } from "./real_program.ts";

const names = ["file", "denokv", "postgres"] as const;
type Name = (typeof names)[number];

const titles: { [name in Name]: string } = { file: "a file", denokv: "denokv", postgres: "PostgreSQL" };

export const stores: Bench = {
  name: "stores",
  async run(context) {
    if (!isProgramThere(denokvProgram) || isPostgresLeftOut()) {
      console.log(`(nothing of other stores: ${denokvProgram} and PostgreSQL have to be there)`);
      return;
    }
    await calls(context);
    await acceptance(context);
    await wholePrompts(context);
  },
};

const rounds = 8;
const inFlight = 16;
const entries = 2000;
const listed = 100;
const watched = 60;
const value = "v".repeat(560);

/** Each is asked in turns with the others; a file is there twice, for it and for whoever else watches it. */
async function calls({ report, newFolder }: BenchContext): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await newFolder();
  const denokv = stack.use(await createDenokv({ database: join(folder, "denokv.sqlite3") }));
  const postgres = stack.use(await createPostgres());
  const open: { [name in Name]: () => Promise<Deno.Kv> } = {
    file: () => Deno.openKv(join(folder, "file.sqlite3")),
    async denokv() {
      Deno.env.set("DENO_KV_ACCESS_TOKEN", denokv.token);
      const kv = await connectKv({ open: () => Deno.openKv(denokv.url) });
      await kv.get(["opened"]);
      return kv;
    },
    postgres: () => openPostgres(postgres.url, { log: () => {} }),
  };
  stack.defer(() => Deno.env.delete("DENO_KV_ACCESS_TOKEN"));
  const kvs = { file: await open.file(), denokv: await open.denokv(), postgres: await open.postgres() };
  for (const name of names) {
    stack.defer(() => kvs[name].close());
    for (let i = 0; i < entries; i++) await kvs[name].set(["entry", i], value);
  }

  let nth = 0;
  const commit = (kv: Deno.Kv) => commitBare(kv, bareCommits[0], { id: `${nth++}`, value });
  const get = (kv: Deno.Kv) => kv.get(["entry", nth++ % entries]);
  const list = (kv: Deno.Kv) =>
    Array.fromAsync(kv.list({ prefix: ["entry"] }, { limit: listed, batchSize: listed }));
  const sections = [
    { title: "bare commits, one after another", once: commit, lanes: 1, least: 0.3 },
    { title: `gets, ${inFlight} at once`, once: get, lanes: inFlight, least: 0.4 },
    { title: `lists of ${listed}, one after another`, once: list, lanes: 1, least: 0.5 },
  ];
  for (const { title, once, lanes, least } of sections) {
    const taken: Taken = { file: [], denokv: [], postgres: [] };
    for (let round = 0; round <= rounds; round++) {
      for (const name of names) {
        const rate = await perSecond({ inFlight: lanes, forMs: 300 }, () => once(kvs[name]));
        if (round > 0) taken[name].push(rate);
      }
    }
    tell(report, { title, unit: "/s", taken, goal: { ratio: "at least", value: least } });
  }

  const taken: Taken = { file: [], denokv: [], postgres: [] };
  for (const name of names) {
    using far = await open[name]();
    // Kinds that pages watch are told of.
    const key = ["change_head", "bench"];
    const watch = far.watch([key]).getReader();
    await watch.read();
    for (let i = 0; i < watched; i++) {
      taken[name].push(await milliseconds(() => Promise.all([watch.read(), kvs[name].set(key, i)])));
    }
    await watch.cancel();
  }
  tell(report, {
    title: "a set to another's watch",
    unit: "ms",
    taken,
    goal: { subject: "at most", value: 5 },
  });
}

type Taken = { [name in Name]: number[] };

/** The goal is PostgreSQL's; a file is what the others are held against. */
function tell(
  report: (figure: Figure) => void,
  { title, unit, taken, goal }: { title: string; unit: Figure["unit"]; taken: Taken; goal?: Figure["goal"] },
): void {
  const baseline = { name: "on a file", value: median(taken.file) };
  report({ name: `${title}, ${titles.denokv}`, unit, subject: median(taken.denokv), baseline });
  report({ name: `${title}, ${titles.postgres}`, unit, subject: median(taken.postgres), baseline, goal });
}

type Studios = { [name in Name]: NodeStudio };

async function openStudios(
  stack: AsyncDisposableStack,
  { newFolder, env }: { newFolder: () => Promise<string>; env: Record<string, string> },
): Promise<Studios> {
  const open = async (nodes: number, store?: "postgres") =>
    stack.use(await openNodeStudio({ newFolder, nodes, store, people: inFlight, env }));
  return { file: await open(0), denokv: await open(1), postgres: await open(1, "postgres") };
}

async function acceptance({ report, newFolder }: BenchContext): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { env } = stack.use(await startEndlessService(await newFolder()));
  const studios = await openStudios(stack, { newFolder, env });
  const taken = await takeAll(
    studios,
    { forMs: 400 },
    ({ servers: [server], people }, lane) => generate(server!, people[lane]),
  );
  const title = `accepted over sockets, ${inFlight} at once`;
  tell(report, { title, unit: "/s", taken, goal: { ratio: "at least", value: 0.5 } });
}

/** Through a service that takes no time; each of the people waits for their picture. */
async function wholePrompts({ report, newFolder }: BenchContext): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const file = join(await newFolder(), "picture.png");
  await Deno.writeFile(file, await plainPicture("1024x1024"));
  const service = stack.use(runProgram("picture_service.ts", [file, "0"]));
  const env = {
    OPENAI_BASE_URL: await service.nextLine(),
    CONCURRENCY: String(inFlight),
    USER_CONCURRENCY: String(inFlight),
  };
  const studios = await openStudios(stack, { newFolder, env });
  const taken = await takeAll(
    studios,
    { forMs: 1500 },
    ({ servers: [server], people }, lane) => generate(server!, people[lane], {}, { isWaiting: true }),
  );
  tell(report, { title: `whole prompts over sockets, ${inFlight} at once`, unit: "/s", taken });
}

async function takeAll(
  studios: Studios,
  { forMs }: { forMs: number },
  once: (studio: NodeStudio, lane: number) => Promise<unknown>,
): Promise<Taken> {
  const taken: Taken = { file: [], denokv: [], postgres: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const rate = await perSecond({ inFlight, forMs }, (lane) => once(studios[name], lane));
      if (round > 0) taken[name].push(rate);
    }
  }
  return taken;
}
