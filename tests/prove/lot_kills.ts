/**
 * Batches in the economy lane, killed by SIGKILL at each request that their lots make, at each of its points. A lot is
 * submitted once, what it did is charged as it was billed, and a row is one prompt.
 */
import { type Moment as Seen, points } from "../stand_ins/http.ts";
import type { Lots } from "../stand_ins/lots.ts";
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import type { Comeback } from "./kills.ts";
import { pause } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

const rows = 6;
const words = (name: string) => Array.from({ length: rows }, (_, i) => `${name} ${i + 1}`);

export interface LotMoment {
  name: string;
  model: string;
  isIt(seen: Seen): boolean;
}

const requests: { name: string; isIt: (seen: Seen) => boolean }[] = [
  { name: "upload", isIt: ({ method, path }) => method === "POST" && path.includes("/files") },
  {
    name: "submission",
    isIt: ({ method, path }) => method === "POST" && /\/batches$|:batchGenerateContent$/.test(path),
  },
  { name: "question", isIt: ({ method, path }) => method === "GET" && /\/batches\/[^/]+$/.test(path) },
  { name: "results", isIt: ({ path }) => /\/content$|:download$/.test(path) },
];

export const lotMoments: readonly LotMoment[] = [
  { provider: "OpenAI", model: "gpt-image-2-low" },
  { provider: "Gemini", model: "gemini-2.5-flash-image" },
].flatMap(({ provider, model }) =>
  requests.flatMap(({ name, isIt }) =>
    points.map((point) => ({
      name: `${name} of a lot at ${provider}, ${point}`,
      model,
      isIt: (seen: Seen) => seen.point === point && isIt(seen),
    }))
  )
);

/** One batch, killed at that moment, and what is left to be judged once it is over. */
export async function checkLotKill(
  { name, model, isIt }: LotMoment,
  { comeback, seed, root, patienceMs = 60_000 }: {
    comeback: Comeback;
    seed: number;
    root?: string;
    patienceMs?: number;
  },
): Promise<Finding[]> {
  await using world = await createWorld({ seed, root, patienceMs, isEconomical: true });
  await world.start();
  const [person] = world.people;
  const reached = world.reaches(isIt);
  const batchId = await person.submitBatch(words("row"), { models: [model], lane: "economy" });
  if (batchId === null) throw new Error(`a batch was refused before the ${name}`);
  await reached;
  await world.kill();
  if (comeback === "after 6 s") await pause(6000);
  await world.start();
  if (comeback === "twice in a row") {
    await pause(world.random() * 300);
    await world.kill();
    await world.start();
  }
  const evidence = await world.settle();
  const { code } = await world.server.end("SIGTERM");
  if (code !== 0) throw new Error(`after the ${name} it ended with ${code}`);
  return [...checkAll(evidence), finding("once", submittedTwice(world), { cases: 1 })];
}

/** Each lot has requests that no other one has. */
function submittedTwice({ openai, gemini }: World): Violation[] {
  return [openai.lots, gemini.lots].flatMap((lots: Lots) => {
    const sent = lots.all.flatMap(({ requests }) => requests.map(({ key }) => key));
    const isOnce = new Set(sent).size === sent.length;
    return isOnce ? [] : [{ says: `${sent.length} requests were submitted for ${rows}`, trace: sent }];
  });
}

/** Half of a lot expires: what was done is charged, and the rest costs nothing. */
export async function expiredLots(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, isEconomical: true, isHonest: false });
  await world.start();
  const { openai, gemini, people: [person] } = world;
  for (const { lots } of [openai, gemini]) {
    lots.plan = {
      end: "expired",
      isDone: (index) => index % 2 === 0,
      rewrite: (lines) => [...lines.toReversed(), lines[0]],
    };
  }
  for (const model of ["gpt-image-2-low", "gemini-2.5-flash-image"]) {
    await person.submitBatch(words(model), { models: [model], lane: "economy" });
  }
  const evidence = await world.settle();
  const done = evidence.rest.prompts.filter(({ status }) => status === "COMPLETED").length;
  const violations = done === rows
    ? []
    : [{ says: `${done} of ${2 * rows} rows were done, and not half of them`, trace: [] }];
  return [...checkAll(evidence), finding("batches", violations, { cases: 1 })];
}

/** Cancelled while its lot runs: what was done by then is billed, and nothing more. */
export async function cancelledLot(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, isEconomical: true });
  await world.start();
  const { openai, people: [person] } = world;
  openai.lots.pollsUntilEnd = Infinity;
  openai.lots.plan = { isDone: (index) => index < 2 };
  const batchId = await person.submitBatch(words("row"), { models: ["gpt-image-2-low"], lane: "economy" });
  await until(() => openai.lots.all.length, (count) => count > 0, 30_000);
  await until(() => person.readBatch(batchId!), ({ next }) => next === rows, 30_000);
  await until(() => openai.lots.all[0].polls, (polls) => polls > 0, 30_000);
  await person.changeBatch(batchId!, "cancel");
  const evidence = await world.settle();
  const violations = openai.lots.all[0].isCancelled
    ? []
    : [{ says: "a lot of which all was cancelled was not asked to stop", trace: [] }];
  return [...checkAll(evidence), finding("batches", violations, { cases: 1 })];
}
