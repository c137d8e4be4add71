/**
 * Several nodes of the real program on one store, denokv, with and without a bus, beside one on its file: what they
 * accept, how soon one shows what another does, many streams, and how soon the work of one that dies goes on.
 */
import { join } from "node:path";
import { createDenokv, denokvProgram } from "../fixtures/denokv.ts";
import { isProgramThere } from "../fixtures/child_server.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { natsProgram } from "../fixtures/nats_server.ts";
import { nodeAt, type Server } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { startNanobanana } from "../stand_ins/nanobanana.ts";
import { type Bench, type BenchContext, median, milliseconds, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { generate, type NodeStudio, openNodeStudio, startEndlessService } from "./node_studio.ts";
import { commitBare } from "./observed_kv.ts";
import { bareCommits } from "./real_program.ts";
import { measure, mostStreams, openStream, pause, readOnce, settleMs } from "./streams.ts";

export const severalNodes: Bench = {
  name: "nodes",
  async run(context) {
    const missing = [denokvProgram, natsProgram].filter((program) => !isProgramThere(program));
    if (missing.length > 0) {
      console.log(`(nothing of several nodes: ${missing.join(" and ")} not found)`);
      return;
    }
    console.log(
      "(as .ci/run builds it, denokv is not fully optimised: what it does itself takes longer then)",
    );
    await commits(context);
    await acceptance(context);
    await latency(context, { withBus: true, most: 30 });
    await latency(context, { withBus: false, most: 100 });
    await manyStreams(context);
    await takeover(context);
  },
};

const stores = ["file", "denokv"] as const;
const commitPauseMs = 20;

/** What one commit costs on the store and on a file, and how soon a watch tells of one. */
async function commits({ report, newFolder }: BenchContext): Promise<void> {
  await using denokv = await createDenokv({ database: join(await newFolder(), "denokv.sqlite") });
  using file = await Deno.openKv(join(await newFolder(), "file.sqlite"));
  using near = await connect(denokv);
  using far = await connect(denokv);
  const taken = { file: [] as number[], denokv: [] as number[], watch: [] as number[] };
  const watch = far.watch([["bare"]]).getReader();
  await watch.read();
  for (let i = 0; i < 100; i++) {
    for (const name of stores) {
      const bare = { id: `${i}`, value: "v".repeat(560) };
      const kv = name === "file" ? file : near;
      taken[name].push(await milliseconds(() => commitBare(kv, bareCommits[0], bare)));
      // One that comes alone, as most do: small packets are held back by some networks.
      await pause(commitPauseMs);
    }
    taken.watch.push(await milliseconds(() => Promise.all([watch.read(), near.set(["bare"], i)])));
  }
  await watch.cancel();
  const baseline = { name: "on a file", value: median(taken.file) };
  report({ name: "a bare commit on denokv", unit: "ms", subject: median(taken.denokv), baseline });
  report({
    name: "a bare set on denokv to another's watch",
    unit: "ms",
    subject: median(taken.watch),
    baseline: { name: "a bare commit on it", value: median(taken.denokv) },
  });
}

/** The runtime takes the token of a store from the environment, when it opens it. */
async function connect({ url, token }: { url: string; token: string }): Promise<Deno.Kv> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
  try {
    const kv = await Deno.openKv(url);
    await kv.get(["bare"]);
    return kv;
  } finally {
    Deno.env.delete("DENO_KV_ACCESS_TOKEN");
  }
}

const inFlight = 16;
const load = { inFlight, forMs: 400 };
const acceptingRounds = 12;

/** Each of the people keeps to a node. */
async function acceptance({ report, newFolder }: BenchContext): Promise<void> {
  await using service = await startEndlessService(await newFolder());
  const open = (nodes: number) =>
    openNodeStudio({ newFolder, nodes, people: inFlight, withBus: nodes > 1, env: service.env });
  await using onFile = await open(0);
  await using one = await open(1);
  await using two = await open(2);
  const studios = { onFile, one, two };
  const taken: { [name in keyof typeof studios]: number[] } = { onFile: [], one: [], two: [] };
  for (let round = 0; round <= acceptingRounds; round++) {
    for (const name of ["onFile", "one", "two"] as const) {
      const { servers, people } = studios[name];
      const rate = await perSecond(
        load,
        (lane) => generate(servers[lane % servers.length]!, people[lane]),
      );
      if (round > 0) taken[name].push(rate);
    }
  }
  const title = `accepted over sockets, ${inFlight} at once`;
  const baseline = { name: "one node on its file", value: median(taken.onFile) };
  report({ name: `${title}, 1 on denokv`, unit: "/s", subject: median(taken.one), baseline });
  report({ name: `${title}, 2 on denokv`, unit: "/s", subject: median(taken.two), baseline });
  report({
    name: "the same two nodes",
    unit: "/s",
    subject: median(taken.two),
    baseline: { name: "one node on denokv", value: median(taken.one) },
  });
}

const wantedSamples = 40;
const mostSamples = 200;

/** How soon another node calls the provider than the one that accepted, and shows a card than the one that made it. */
async function latency(
  { report, newFolder }: BenchContext,
  { withBus, most }: { withBus: boolean; most: number },
): Promise<void> {
  // As large as is asked for, so that nothing has to be done to it.
  await using provider = serveInstantly(await plainPicture("1024x1024"));
  await using studio = await openNodeStudio({
    newFolder,
    nodes: 2,
    people: 1,
    withBus,
    env: { OPENAI_BASE_URL: provider.url },
  });
  const [person] = studio.people;
  const servers = studio.servers.map((server) => server!);
  provider.askedBy = servers;
  const cards = await Promise.all(servers.map((server) => followCards(server, person.session)));
  const untilCall: number[] = [];
  const untilCard = { own: [] as number[], other: [] as number[] };
  for (let i = 0; i < mostSamples && untilCall.length < wantedSamples; i++) {
    const accepting = i % servers.length;
    const promptId = await generate(servers[accepting], person);
    const answeredAt = performance.now();
    const seen = await Promise.all(cards.map((each) => each.completed(promptId)));
    const { node: calling, calledAt, doneAt } = provider.latest!;
    if (calling !== accepting) untilCall.push(calledAt - answeredAt);
    untilCard.own.push(seen[calling] - doneAt);
    untilCard.other.push(seen[1 - calling] - doneAt);
  }
  await Promise.all(cards.map((each) => each.close()));
  const way = withBus ? "with a bus" : "without a bus";
  const goal = { subject: "at most", value: most } as const;
  const { own, other } = untilCard;
  report({
    name: `from 202 to the call by another node, ${way}`,
    unit: "ms",
    subject: median(untilCall),
    baseline: { name: "its last byte to its own card", value: median(own) },
    goal,
  });
  report({
    name: `last byte to another node's card, ${way}`,
    unit: "ms",
    subject: median(other),
    baseline: { name: "to its own card", value: median(own) },
    goal,
  });
}

const people = 50;

/** Two nodes, and one alone with as many streams as each of them: what it needs once falls on fewer then. */
async function manyStreams({ report, newFolder }: BenchContext): Promise<void> {
  const count = await mostStreams();
  const bare = await measure({ kind: "bare", users: 1, count, newFolder });
  const alone = await measureNodes({ nodes: 0, count: count / 2, newFolder });
  const two = await measureNodes({ nodes: 2, count, newFolder });
  report({
    name: `memory of a stream, ${count} over 2 nodes`,
    unit: "kB",
    subject: two.kilobytes,
    baseline: { name: "bare Deno.serve", value: bare.kilobytes },
    goal: { ratio: "at most", value: 1.3 },
  });
  report({
    name: "the same beside one node on its file",
    unit: "kB",
    subject: two.kilobytes,
    baseline: { name: `with ${count / 2}`, value: alone.kilobytes },
  });
  report({
    name: `until a change has reached all ${count} of them`,
    unit: "ms",
    subject: two.reachMs,
    baseline: { name: "bare Deno.serve", value: bare.reachMs },
  });
}

/** Everybody has streams on all nodes, and all that is told of a change begins at one of them. */
async function measureNodes(
  { nodes, count, newFolder }: { nodes: number; count: number } & Pick<BenchContext, "newFolder">,
): Promise<{ kilobytes: number; reachMs: number }> {
  await using service = await startEndlessService(await newFolder());
  const memories = await Promise.all(
    Array.from({ length: Math.max(1, nodes) }, async () => join(await newFolder(), "memory")),
  );
  await using studio = await openNodeStudio({
    newFolder,
    nodes,
    people,
    withBus: nodes > 1,
    env: { ...service.env, DENO_V8_FLAGS: "--expose-gc" },
    envOf: (node) => ({ BENCH_MEMORY: memories[node] }),
    main: new URL("programs/weighed_main.ts", import.meta.url).pathname,
  });
  const servers = studio.servers.map((server) => server!);
  const weighAll = async () => {
    const all = await Promise.all(servers.map((server, node) => weigh(server, memories[node])));
    return all.reduce((sum, bytes) => sum + bytes, 0);
  };
  const open = (i: number) =>
    openStream({
      port: Number(new URL(servers[i % servers.length].url).port),
      headers: studio.people[Math.floor(i / servers.length) % people].session,
    });
  const first = await Promise.all(Array.from({ length: people * servers.length }, (_, i) => open(i)));
  await pause(settleMs);
  const before = await weighAll();
  const sockets: Deno.TcpConn[] = [];
  while (sockets.length < count) {
    const next = Math.min(100, count - sockets.length);
    sockets.push(...await Promise.all(Array.from({ length: next }, (_, i) => open(sockets.length + i))));
  }
  await pause(settleMs);
  const after = await weighAll();
  const reachMs = await milliseconds(() =>
    Promise.all([
      ...sockets.map(readOnce),
      ...studio.people.map((person, i) => generate(servers[i % servers.length], person)),
    ])
  );
  for (const socket of [...first, ...sockets]) socket.close();
  return { kilobytes: (after - before) / count / 1000, reachMs };
}

/** In bytes. */
async function weigh({ process }: Server, path: string): Promise<number> {
  await Deno.writeTextFile(path, "");
  process.kill("SIGUSR2");
  return Number(await until(() => Deno.readTextFile(path), (text) => text !== "", 20_000));
}

const takeoverRounds = 3;
/** Somebody has to go on by then. */
const patienceMs = 90_000;

/** From the end of a node to the next question about its task at the provider; one node alone is started again. */
async function takeover({ report, newFolder }: BenchContext): Promise<void> {
  await using provider = await startNanobanana();
  const env = { NANO_BANANA_URL: provider.url, NANO_BANANA_TOKEN: "the-token-of-the-provider" };
  await using two = await openNodeStudio({ newFolder, nodes: 2, people: 1, withBus: true, env });
  await using one = await openNodeStudio({ newFolder, nodes: 0, people: 1, env });
  const taken = { subject: [] as number[], baseline: [] as number[] };
  for (let round = 0; round < takeoverRounds; round++) {
    taken.subject.push(await untilGoesOn(two));
    taken.baseline.push(await untilGoesOn(one));
  }
  report({
    name: "from SIGKILL to its task at the provider",
    unit: "ms",
    subject: median(taken.subject),
    baseline: { name: "one node, started again", value: median(taken.baseline) },
    goal: { subject: "at most", value: 20_000 },
  });
  report({
    name: `the longest of ${takeoverRounds} times`,
    unit: "ms",
    subject: Math.max(...taken.subject),
    baseline: { name: "one node, started again", value: Math.max(...taken.baseline) },
    goal: { subject: "at most", value: 20_000 },
  });

  async function untilGoesOn(studio: NodeStudio): Promise<number> {
    const { servers, people: [person], start, kill } = studio;
    provider.pollsUntilDone = Infinity;
    const asking = Promise.withResolvers<void>();
    let node = -1;
    provider.onPoint = async ({ path, point, port }) => {
      if (!path.endsWith("/record-info")) return;
      if (point === "received") node = await nodeAt(port, servers);
      else if (point === "answered") asking.resolve();
    };
    await generate(servers[0]!, person, { model: "nanobanana", imageSize: "1024x1024" });
    await asking.promise;
    provider.onPoint = () => {};
    const { taskId } = provider.journal.findLast(({ request }) => request === "create")!;
    const killedAt = Date.now();
    await kill(node);
    const restarted = servers.length === 1 ? start(node) : null;
    const isNext = (found: typeof provider.journal[number] | undefined) => found !== undefined;
    const next = await until(
      () => provider.journal.find((entry) => entry.taskId === taskId && entry.at > killedAt),
      isNext,
      patienceMs,
    );
    provider.pollsUntilDone = 0;
    const isFetched = () =>
      provider.journal.some((entry) => entry.request === "download" && entry.taskId === taskId);
    await until(isFetched, Boolean, patienceMs);
    await (restarted ?? start(node));
    return next!.at - killedAt;
  }
}

interface Call {
  node: number;
  calledAt: number;
  doneAt: number;
}

/** A service that speaks OpenAI's images API, has its picture ready, and notes when it was asked for it. */
function serveInstantly(picture: Uint8Array) {
  const body = JSON.stringify({ created: 1_790_000_000, data: [{ b64_json: picture.toBase64() }] });
  const headers = { "Content-Type": "application/json" };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request, info) => {
    const calledAt = performance.now();
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models") return Response.json({ data: [{ id: "bench-image", object: "model" }] });
    if (pathname !== "/v1/images/generations") return new Response(null, { status: 404 });
    await request.arrayBuffer();
    const node = await nodeAt(info.remoteAddr.port, provider.askedBy);
    provider.latest = { node, calledAt, doneAt: performance.now() };
    return new Response(body, { headers });
  });
  const provider = {
    url: `http://127.0.0.1:${server.addr.port}`,
    askedBy: [] as Server[],
    latest: null as Call | null,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return provider;
}

/** Tells when a page on that node shows a prompt as done. */
async function followCards({ url }: Server, session: { [name: string]: string }) {
  const answer = await fetch(`${url}/events?page=generator`, { headers: session });
  if (!answer.ok) throw new Error(`Answered ${answer.status}: ${await answer.text()}`);
  const stream = readEventStream(answer);
  const seen = new Map<string, PromiseWithResolvers<number>>();
  const seenOf = (promptId: string) => {
    const found = seen.get(promptId) ?? Promise.withResolvers<number>();
    seen.set(promptId, found);
    return found;
  };
  const reading = (async () => {
    for (let message = await stream.next(); message !== null; message = await stream.next()) {
      const [, promptId] = /data-prompt-id="([^"]+)" data-status="(?:COMPLETED|FAILED)"/.exec(message.data) ??
        [];
      if (promptId !== undefined) seenOf(promptId).resolve(performance.now());
    }
  })();
  // Waited for at the end; where something else went wrong, that is told.
  reading.catch(() => {});
  return {
    completed: (promptId: string): Promise<number> => seenOf(promptId).promise,
    async close() {
      await stream.cancel();
      await reading;
    },
  };
}
