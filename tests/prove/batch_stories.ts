/** Short stories of batches, told through the front door. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { pause } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld } from "./world.ts";

const price = 20_000;
const env = { USER_CONCURRENCY: "4", CONCURRENCY: "8" };
const words = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name} ${i + 1}`);

/** One stops at its limit, one is cancelled, one is done; a single prompt comes between. */
export async function limitedBatches(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, budgets: [40 * price], env });
  await world.start();
  const [person] = world.people;
  const limited = await person.submitBatch(words(12, "limited"), { limitMicros: 5 * price + price / 2 });
  await person.submitBatch(words(10, "whole"));
  const long = await person.submitBatch(words(16, "cancelled"));
  if (limited === null || long === null) throw new Error("a batch was refused");
  await person.submit("between", { model: "nanobanana", imageSize: "1024x1024" });
  await person.books();
  await until(() => person.readBatch(long), ({ next }) => next >= 4, 30_000);
  await person.changeBatch(long, "cancel");
  await person.books();
  const evidence = await world.settle();
  const batch = evidence.rest.batches.find(({ id }) => id === limited);
  const violations: Violation[] = batch?.reason === "limit"
    ? []
    : [{ says: `a batch with a limit ended with ${batch?.reason}`, trace: [] }];
  return [...checkAll(evidence), finding("batches", violations, { cases: 1 })];
}

/** What waits of a paused batch is not sent, across a restart too; then it goes on. */
export async function pausedBatch(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, env });
  await world.start();
  const { people: [person], nanobanana } = world;
  const batchId = await person.submitBatch(words(14, "row"));
  if (batchId === null) throw new Error("a batch was refused");
  const created = () => nanobanana.journal.filter(({ request }) => request === "create").length;
  await until(created, (count) => count >= 4, 30_000);
  await person.changeBatch(batchId, "pause");
  const atPause = created();
  await pause(1500);
  await world.kill();
  await world.start();
  await pause(1500);
  const later = created();
  const violations = later === atPause
    ? []
    : [{ says: `${later - atPause} tasks were made of a paused batch`, trace: [] }];
  await person.changeBatch(batchId, "resume");
  return [...checkAll(await world.settle()), finding("batches", violations, { cases: 1 })];
}
