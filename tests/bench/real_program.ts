/**
 * The real program, asked over a socket while its worker, bell and log are as they are: what a whole picture costs
 * against its floor, what waits beside it, and how much memory it takes.
 */
import { join } from "node:path";
import { runTask, type Server, startServer } from "../fixtures/server.ts";
import { type Bench, type BenchContext, median, perSecond } from "./harness.ts";
import { largePicture, plainPicture } from "./instant_provider.ts";
import type { CommitShape } from "./observed_kv.ts";
import { cpuMs, forgetPeak, memoryKb, type Program, runProgram, slowDisk } from "./processes.ts";

const inFlight = 16;
const rounds = 3;
const load = { inFlight, forMs: 1500 };

/** What three commits of a picture's life hold: accepted, claimed, settled. */
export const bareCommits: CommitShape[] = [
  { set: 9, delete: 0, sum: 4, enqueue: 0 },
  { set: 4, delete: 1, sum: 4, enqueue: 0 },
  { set: 10, delete: 3, sum: 6, enqueue: 0 },
];

export const realProgram: Bench = {
  name: "program",
  async run(context) {
    await wholePictures(context, {
      name: "large",
      picture: await largePicture(),
      pictures: 64,
      most: 1.3,
      least: 0.7,
    });
    await wholePictures(context, {
      name: "small",
      picture: await plainPicture("1024x1024"),
      pictures: 256,
      most: 1.5,
      least: 0.7,
    });
    await acceptance(context, { name: "this disk", least: 1 });
    await acceptance(context, { name: "3 ms a flush", after: slowDisk(3), least: 3 });
  },
};

async function wholePictures(
  { report, newFolder }: BenchContext,
  { name, picture, pictures, most, least }: {
    name: string;
    picture: Uint8Array;
    pictures: number;
    most: number;
    least: number;
  },
): Promise<void> {
  const folder = await newFolder();
  const file = join(folder, "picture.png");
  await Deno.writeFile(file, picture);
  await using service = runProgram("picture_service.ts", [file, "20"]);
  await using floor = runProgram("floor.ts", [file, await newFolder(), JSON.stringify(bareCommits)]);
  const stalls = join(folder, "stalls");
  const serviceUrl = await service.nextLine();
  await using server = await startServer({
    dataDir: await newFolder(),
    env: { ...busy, OPENAI_BASE_URL: serviceUrl, BENCH_STALLS: stalls },
    main: new URL("programs/probed_main.ts", import.meta.url).pathname,
  });
  await using relay = runProgram("bare_relay.ts", [
    `${serviceUrl}/v1`,
    await newFolder(),
    JSON.stringify(bareCommits),
  ]);
  await floor.nextLine();
  const generate = await programOf(server);
  const relayed = askBare(await relay.nextLine());
  const { pid } = server.process;
  const rest = await memoryKb(pid);
  await forgetPeak(pid);
  const taken = { subject: [] as Taken[], floor: [] as Taken[], relay: [] as Taken[] };
  for (let round = 0; round <= rounds; round++) {
    const subject = await take(pid, pictures, () => inLanes(pictures, generate));
    const bare = await take(floor.pid, pictures, () => floorOf(floor, pictures));
    const ofRelay = await take(relay.pid, pictures, () => inLanes(pictures, relayed));
    if (round === 0) continue;
    taken.subject.push(subject);
    taken.floor.push(bare);
    taken.relay.push(ofRelay);
  }
  const of = (taken: Taken[], figure: keyof Taken) => median(taken.map((each) => each[figure]));
  const baseline = "decode, put, 3 commits";
  report({
    name: `processor time of a ${name} picture, whole program`,
    unit: "ms",
    subject: of(taken.subject, "cpuMs"),
    baseline: { name: baseline, value: of(taken.floor, "cpuMs") },
    goal: { ratio: "at most", value: most },
  });
  report({
    name: `the same beside the shortest program`,
    unit: "ms",
    subject: of(taken.subject, "cpuMs"),
    baseline: { name: "bare relay", value: of(taken.relay, "cpuMs") },
  });
  report({
    name: `whole ${name} pictures, ${inFlight} at once`,
    unit: "/s",
    subject: of(taken.subject, "perSecond"),
    baseline: { name: baseline, value: of(taken.floor, "perSecond") },
    goal: { ratio: "at least", value: least },
  });
  report({
    name: `the same beside the shortest program`,
    unit: "/s",
    subject: of(taken.subject, "perSecond"),
    baseline: { name: "bare relay", value: of(taken.relay, "perSecond") },
  });
  if (name !== "large") return;
  const peak = (await memoryKb(pid)).peak;
  const bare = (await memoryKb(service.pid)).now;
  report({
    name: "memory at rest",
    unit: "kB",
    subject: rest.now,
    baseline: { name: "bare Deno.serve", value: bare },
    goal: { subject: "at most", value: 200_000 },
  });
  report({
    name: `peak memory, ${inFlight} large pictures at once`,
    unit: "kB",
    subject: peak,
    baseline: { name: "bare Deno.serve", value: bare },
    goal: { subject: "at most", value: 300_000 },
  });
  await readStall(server, stalls);
  const stallsMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    await inLanes(inFlight, generate);
    stallsMs.push(await readStall(server, stalls));
  }
  report({
    name: `longest stall while ${inFlight} large pictures arrive`,
    unit: "ms",
    subject: Math.max(...stallsMs),
    baseline: { name: "the median of 5 times", value: median(stallsMs) },
    goal: { subject: "at most", value: 20 },
  });
}

export interface Taken {
  cpuMs: number;
  perSecond: number;
}

export async function take(pid: number, count: number, work: () => Promise<unknown>): Promise<Taken> {
  const [cpuBefore, startedAt] = [await cpuMs(pid), performance.now()];
  await work();
  const tookMs = performance.now() - startedAt;
  return { cpuMs: (await cpuMs(pid) - cpuBefore) / count, perSecond: count / tookMs * 1000 };
}

/** As much as can be done in a while, with its share of the processor time. */
async function takeFor(pid: number, once: (nth: number) => Promise<void>): Promise<Taken> {
  let done = 0;
  const [cpuBefore, rate] = [await cpuMs(pid), await perSecond(load, () => once(done++))];
  return { cpuMs: (await cpuMs(pid) - cpuBefore) / done, perSecond: rate };
}

async function floorOf(floor: Program, count: number): Promise<void> {
  await floor.say(`${count}\n`);
  await floor.nextLine();
}

export async function inLanes(count: number, once: (nth: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(count, inFlight) }, async () => {
    while (next < count) await once(next++);
  }));
}

async function readStall({ process }: Server, path: string): Promise<number> {
  await Deno.writeTextFile(path, "");
  process.kill("SIGUSR2");
  while (true) {
    const text = await Deno.readTextFile(path);
    if (text !== "") return Number(text);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const busy = {
  CONCURRENCY: "16",
  USER_CONCURRENCY: "16",
  RATE_LIMIT_GENERATE: "0",
  RATE_LIMIT_REQUESTS: "0",
};

/** The same words, of a program that asks for nothing else. */
function askBare(url: string): (nth: number) => Promise<void> {
  return async (nth) => {
    const answer = await fetch(url, { method: "POST", body: wordsOf(nth) });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`Answered ${answer.status}: ${body}`);
  };
}

function wordsOf(nth: number): string {
  return JSON.stringify({ prompt: `A lighthouse above the sea, early in the morning, ${nth}` });
}

/** A call for a picture, which waits for it; `Prefer: respond-async` does not. */
export async function programOf(server: Server, prefer?: string): Promise<(nth: number) => Promise<void>> {
  const { stdout: key } = await runTask(["key", "--name", "bench"], { dataDir: server.dataDir });
  const headers = {
    Authorization: `Bearer ${key}`,
    "Content-Type": "application/json",
    ...(prefer !== undefined && { Prefer: prefer }),
  };
  return async (nth) => {
    const answer = await fetch(`${server.url}/api/v1/images/generate`, {
      method: "POST",
      headers,
      body: wordsOf(nth),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`Answered ${answer.status}: ${body}`);
  };
}

type Accepting = "idle" | "working" | "single" | "grouped";

/** Accepting over a socket, with a provider that keeps what it was given. */
async function acceptance(
  { report, newFolder }: BenchContext,
  { name, after, least }: { name: string; after?: string[]; least: number },
): Promise<void> {
  const folder = await newFolder();
  const file = join(folder, "picture.png");
  await Deno.writeFile(file, await plainPicture());
  await using service = runProgram("picture_service.ts", [file, "600000"]);
  const env = { ...busy, OPENAI_BASE_URL: await service.nextLine() };
  const start = async (runs: string) =>
    await startServer({
      dataDir: await newFolder(),
      env: { ...env, CONCURRENCY: runs, USER_CONCURRENCY: runs },
      after: after && `set -- ${after.join(" ")} "$@";`,
    });
  await using idle = await start("1");
  await using working = await start("64");
  const startBare = async (way: "single" | "grouped") =>
    runProgram("bare_accept.ts", [await newFolder(), JSON.stringify(bareCommits[0]), way], { after });
  await using single = await startBare("single");
  await using grouped = await startBare("grouped");
  const asked: { [name in Accepting]: { pid: number; once: (nth: number) => Promise<void> } } = {
    idle: { pid: idle.process.pid, once: await programOf(idle, "respond-async") },
    working: { pid: working.process.pid, once: await programOf(working, "respond-async") },
    single: { pid: single.pid, once: askBare(await single.nextLine()) },
    grouped: { pid: grouped.pid, once: askBare(await grouped.nextLine()) },
  };
  const taken: { [name in Accepting]: Taken[] } = { idle: [], working: [], single: [], grouped: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [who, { pid, once }] of Object.entries(asked)) {
      const each = await takeFor(pid, once);
      if (round > 0) taken[who as Accepting].push(each);
    }
  }
  const of = (who: Accepting, figure: keyof Taken) => median(taken[who].map((each) => each[figure]));
  const title = `accepted over a socket, ${inFlight} at once, ${name}`;
  report({
    name: title,
    unit: "/s",
    subject: of("idle", "perSecond"),
    baseline: { name: "bare server, 1 commit", value: of("single", "perSecond") },
    goal: { ratio: "at least", value: least },
  });
  report({
    name: "the same beside the shortest program",
    unit: "/s",
    subject: of("idle", "perSecond"),
    baseline: { name: "bare server, grouped", value: of("grouped", "perSecond") },
  });
  report({
    name: "its processor time, whole program",
    unit: "ms",
    subject: of("idle", "cpuMs"),
    baseline: { name: "bare server, grouped", value: of("grouped", "cpuMs") },
  });
  report({
    name: `the same while 64 prompts run`,
    unit: "/s",
    subject: of("working", "perSecond"),
    baseline: { name: "while one runs", value: of("idle", "perSecond") },
    goal: { ratio: "at least", value: 0.7 },
  });
}
