/** What was booked, killed while more of it is, against what is told of it by day, person and model. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { isFinal } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld } from "./world.ts";

const rounds = 3;
const square = { model: "nanobanana", imageSize: "1024x1024" };

/** Prompts are made, fail and are refused, pictures get stars and are deleted, and the process dies meanwhile. */
export const countedPrompts: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld({ ...options, isHonest: false, budgets: [null, null] });
  await world.start();
  const [person, other] = world.people;
  const promptIds: string[] = [];
  const ask = async (whose: Person, words: string) => {
    const promptId = await whose.submit(words, square);
    if (promptId !== null && whose === person) promptIds.push(promptId);
    return promptId;
  };
  for (let round = 0; round < rounds; round++) {
    world.nanobanana.instead.poll.push(() =>
      Response.json({ code: 200, data: { successFlag: 2, errorCode: 400 } })
    );
    for (const words of ["one", "two", "three"]) await ask(person, `${words} of round ${round}`);
    await ask(other, `another's of round ${round}`);
    await restAll(person, promptIds);
    const starred = await starOne(person, promptIds);
    if (starred !== null && round === 1) await person.deleteImage(starred);
    const dying = ask(person, `at the end of round ${round}`).catch(() => null);
    await pause(world.random() * 300);
    await world.kill();
    await world.start();
    await dying;
  }
  await restAll(person, promptIds);
  const violations = await compare(person);
  return [...checkAll(await world.settle()), finding("numbers", violations, { cases: promptIds.length })];
};

async function restAll(person: Person, promptIds: readonly string[]): Promise<void> {
  for (const promptId of promptIds) {
    await until(
      () => person.read(promptId),
      ({ status, ledger }) => isFinal(status) && ledger !== null,
      60_000,
    );
  }
}

async function starOne(person: Person, promptIds: readonly string[]): Promise<string | null> {
  for (const promptId of promptIds.toReversed()) {
    const [imageId] = (await person.read(promptId)).images;
    if (imageId === undefined) continue;
    const answer = await person.send("PATCH", `/images/${imageId}`, { rating: 5 });
    await answer.body?.cancel();
    return answer.ok ? imageId : null;
  }
  return null;
}

/** What is told of all days, against what each prompt says of itself. */
async function compare(person: Person): Promise<Violation[]> {
  const told = { prompts: 0, completed: 0, failed: 0, costMicros: 0 };
  const { total } = await (await person.send("GET", "/analytics")).json();
  for (const id of await person.list()) {
    const { status, ledger } = await person.read(id);
    told.prompts++;
    if (status === "COMPLETED") told.completed++;
    if (status === "FAILED") told.failed++;
    told.costMicros += ledger?.costMicros ?? 0;
  }
  const names = Object.keys(told) as (keyof typeof told)[];
  return names.filter((name) => told[name] !== total[name]).map((name) => ({
    says: `${total[name]} ${name} are told of, and there are ${told[name]}`,
    trace: [JSON.stringify(total), JSON.stringify(told)],
  }));
}
