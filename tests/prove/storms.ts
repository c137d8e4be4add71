/** People who do everything at once, while the program is killed again and again at random. The seed makes the plan. */
import { pick } from "../fixtures/random.ts";
import { checkAll } from "./checks.ts";
import { watchKinds } from "./evidence.ts";
import { mixedModels } from "./mixture.ts";
import { pause, type Person } from "./person.ts";
import type { Finding } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

export interface StormOptions extends ScenarioOptions {
  /** Over all providers that there are. */
  isMixed?: boolean;
  /** What each person does, one after another. */
  actions?: number;
  kills?: number;
}

const budgets = [700_000, 300_000, null];
const models = ["nanobanana", "nanobanana", "nanobanana", "gpt-image-2", "gemini-nano-banana-2.1", "sketch"];
const longestPauseMs = 1200;

export async function storm({ actions = 25, kills = 5, ...options }: StormOptions): Promise<Finding[]> {
  await using world = await createWorld({
    ...options,
    budgets,
    env: { USER_CONCURRENCY: "6", CONCURRENCY: "12" },
  });
  await world.start();
  let isOver = false;
  const busy = Promise.all(
    world.people.map((person) =>
      act(world, person, { actions, models: options.isMixed ? [...mixedModels, ...models] : models })
    ),
  ).finally(() => isOver = true);
  for (let kill = 0; kill < kills && !isOver; kill++) {
    await pause(200 + world.random() * longestPauseMs);
    await world.kill(Math.floor(world.random() * world.servers.length));
    if (world.random() < 0.3) await pause(world.random() * longestPauseMs);
    if (kill === 1 && options.store === "postgres") await failOver(world);
    await world.start();
  }
  await busy;
  // What somebody has paused would never end.
  for (const person of world.people) {
    for (const id of await person.listBatches()) await person.changeBatch(id, "resume");
  }
  return checkAll(await world.settle());
}

/** The store's primary dies, and a moment later its standby takes over. */
async function failOver({ cluster, random }: World): Promise<void> {
  await cluster!.store.kill();
  await pause(random() * longestPauseMs);
  await cluster!.store.comeBack();
}

async function act(
  world: World,
  person: Person,
  { actions, models }: { actions: number; models: readonly string[] },
): Promise<void> {
  const { random } = world;
  const mine: string[] = [];
  const batches: string[] = [];
  const ofBatches = ["nanobanana", ...models.filter((model) => mixedModels.includes(model)).slice(0, 3)];
  const add = (promptId: string | null) => {
    if (promptId === null) return;
    mine.push(promptId);
    if (random() < 0.5) void person.watch(promptId, pick(random, watchKinds)).catch(() => {});
  };
  for (let i = 0; i < actions; i++) {
    const dice = random();
    const promptId = mine.length === 0 ? undefined : pick(random, mine);
    const batchId = batches.length === 0 ? undefined : pick(random, batches);
    if (dice < 0.06) {
      const limitMicros = random() < 0.5 ? undefined : Math.round(random() * 8) * 20_000;
      const words = Array.from({ length: 1 + Math.floor(random() * 10) }, (_, row) => `${i} row ${row}`);
      const accepted = await person.submitBatch(words, { models: ofBatches, limitMicros });
      if (accepted !== null) batches.push(accepted);
    } else if (dice < 0.16 && batchId !== undefined) {
      if (random() < 0.4) await person.readBatch(batchId);
      else await person.changeBatch(batchId, pick(random, ["pause", "resume", "resume", "cancel"] as const));
    } else if (promptId === undefined || dice < 0.5) {
      const model = pick(random, models);
      const imageSize = model === "nanobanana" ? "1024x1024" : undefined;
      add(await person.submit(`${i}`, { model, imageSize, count: random() < 0.8 ? 1 : 2 }));
    } else if (dice < 0.65) await person.cancel(promptId);
    else if (dice < 0.75) add(await person.retry(promptId));
    else if (dice < 0.85) await person.books();
    else if (dice < 0.95) await person.read(promptId);
    else for (const imageId of (await person.read(promptId)).images) await person.deleteImage(imageId);
    await pause(random() * 100);
  }
}
