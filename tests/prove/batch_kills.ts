/**
 * Batches, killed by SIGKILL at a moment of their lives: while they are sent, while rows begin and end, while somebody
 * pauses, resumes, cancels or limits them, and at the points of their rows' requests. Each row is one prompt at most, the
 * books balance, and a batch goes on where it was.
 */
import { points } from "../stand_ins/http.ts";
import { until } from "../fixtures/until.ts";
import { checkAll } from "./checks.ts";
import type { Evidence } from "./evidence.ts";
import type { Comeback } from "./kills.ts";
import { pause, type Person } from "./person.ts";
import type { Finding } from "./promises.ts";
import { createWorld, type World } from "./world.ts";

const price = 20_000;
const rows = 16;

export interface BatchMoment {
  name: string;
  models?: readonly string[];
  limitMicros?: number;
  stopAtStars?: number;
  budgetMicros?: number;
  /** Called before the batch is sent; resolves, with what it returns, at the moment. `sent` is its id, once that is known. */
  reach(world: World, sent: Promise<string>): Promise<void | UnderWay>;
  /** What is still to be done after the program came back. */
  after?(person: Person, batchId: string): Promise<void>;
}

/** A call that is sent again until it has an answer, which may come after the kill. */
interface UnderWay {
  answered: Promise<void>;
}

const afterMs = (ms: number) => async (_: World, sent: Promise<string>): Promise<void> => {
  void sent.catch(() => {});
  await pause(ms);
};

/** Rows that are prompts, or have ended, as the batch itself tells. */
const untilRow = (next: number) => async ({ people: [person] }: World, sent: Promise<string>) => {
  const batchId = await sent;
  await until(() => person.readBatch(batchId), (batch) => batch.next >= next, 30_000);
};

const untilCharged = (rows: number) => async ({ people: [person] }: World, sent: Promise<string>) => {
  const batchId = await sent;
  await until(() => person.readBatch(batchId), (batch) => batch.chargedMicros >= rows * price, 30_000);
};

/** The call is on its way, or was just answered, when the program dies. */
const during = (
  call: (person: Person, batchId: string) => Promise<void>,
  { ms, next = 8 }: { ms: number; next?: number },
) =>
async (world: World, sent: Promise<string>) => {
  await untilRow(next)(world, sent);
  const [person] = world.people;
  const called = call(person, await sent);
  if (ms === Infinity) return await called;
  called.catch(() => {});
  await pause(ms);
  return { answered: called };
};

const changeBatch = (verb: "pause" | "resume" | "cancel") => (person: Person, batchId: string) =>
  person.changeBatch(batchId, verb);
const goOn = changeBatch("resume");

async function starTwo(person: Person, batchId: string): Promise<void> {
  const { promptIds } = await person.readBatch(batchId);
  let stars = 0;
  for (const id of promptIds) {
    const { images } = await until(() => person.read(id), ({ images }) => images.length > 0, 30_000);
    await person.star(images[0]);
    if (++stars === 2) return;
  }
}

const sends = [0, 2, 5, 10, 20, 40].map((ms): BatchMoment => ({
  name: `${ms} ms after a batch was sent`,
  reach: afterMs(ms),
}));

const rowsBegin = [1, 4, 8, 9, 12, rows].map((next): BatchMoment => ({
  name: `a batch with ${next} rows begun`,
  reach: untilRow(next),
}));

const rowsEnd = [1, 5, 11].map((count): BatchMoment => ({
  name: `a batch with ${count} rows paid`,
  reach: untilCharged(count),
}));

const calls: BatchMoment[] = [
  ...[0, 3, 10, Infinity].map((ms): BatchMoment => ({
    name: `${ms === Infinity ? "right" : `${ms} ms`} after a pause of a batch`,
    reach: during(changeBatch("pause"), { ms }),
    after: goOn,
  })),
  ...[0, 3, Infinity].map((ms): BatchMoment => ({
    name: `${ms === Infinity ? "right" : `${ms} ms`} after a batch went on`,
    async reach(world, sent) {
      await during(changeBatch("pause"), { ms: Infinity })(world, sent);
      await during(goOn, { ms, next: 0 })(world, sent);
    },
    after: goOn,
  })),
  ...[0, 3, 10, Infinity].map((ms): BatchMoment => ({
    name: `${ms === Infinity ? "right" : `${ms} ms`} after a batch was cancelled`,
    reach: during(changeBatch("cancel"), { ms }),
    after: changeBatch("cancel"),
  })),
  ...[0, 5].map((ms): BatchMoment => ({
    name: `${ms} ms after a limit was lowered`,
    reach: during((person, batchId) => person.setLimit(batchId, 10 * price), { ms }),
  })),
  {
    name: "a batch at its limit",
    limitMicros: 6 * price + 1,
    reach: untilCharged(6),
  },
  {
    name: "right after a limit was raised",
    limitMicros: 5 * price,
    async reach(world, sent) {
      await untilCharged(5)(world, sent);
      await world.people[0].setLimit(await sent, 9 * price);
    },
  },
  {
    name: "right after the star that stops a batch",
    stopAtStars: 2,
    reach: during(starTwo, { ms: Infinity, next: 1 }),
  },
];

const atRequests: BatchMoment[] = [
  { name: "creation of a task", models: ["nanobanana"], isIt: (method: string) => method === "POST" },
  { name: "call of OpenAI", models: ["gpt-image-2"], isIt: (method: string) => method === "POST" },
].flatMap(({ name, models, isIt }) =>
  points.map((point): BatchMoment => ({
    name: `${name} of a batch, ${point}`,
    models,
    budgetMicros: 10_000_000,
    async reach(world, sent) {
      void sent.catch(() => {});
      await world.reaches((seen) => seen.point === point && isIt(seen.method));
    },
  }))
);

export const batchMoments: readonly BatchMoment[] = [
  ...sends,
  ...rowsBegin,
  ...rowsEnd,
  ...calls,
  ...atRequests,
];

/** One batch, killed at that moment, and what is left to be judged once it is over. */
export async function killBatchAt(
  moment: BatchMoment,
  { comeback, seed, root, patienceMs = 60_000 }: {
    comeback: Comeback;
    seed: number;
    root?: string;
    patienceMs?: number;
  },
): Promise<Evidence> {
  const { models, limitMicros, stopAtStars, budgetMicros = 2 * rows * price } = moment;
  const env = { USER_CONCURRENCY: "4", CONCURRENCY: "8" };
  await using world = await createWorld({ seed, root, patienceMs, budgets: [budgetMicros], env });
  await world.start();
  const [person] = world.people;
  const words = Array.from({ length: rows }, (_, i) => `row ${i + 1}`);
  const sent = person.submitBatch(words, { models, limitMicros, stopAtStars }).then((batchId) => {
    if (batchId === null) throw new Error(`a batch was refused before ${moment.name}`);
    return batchId;
  });
  const underWay = await moment.reach(world, sent);
  await world.kill();
  if (comeback === "after 6 s") await pause(6000);
  await world.start();
  if (comeback === "twice in a row") {
    await pause(world.random() * 300);
    await world.kill();
    await world.start();
  }
  await underWay?.answered;
  await moment.after?.(person, await sent);
  await sent;
  const evidence = await world.settle();
  const { code } = await world.server.end("SIGTERM");
  if (code !== 0) throw new Error(`after ${moment.name} it ended with ${code}`);
  return evidence;
}

export async function checkBatchKill(
  moment: BatchMoment,
  options: Parameters<typeof killBatchAt>[1],
): Promise<Finding[]> {
  return checkAll(await killBatchAt(moment, options));
}
