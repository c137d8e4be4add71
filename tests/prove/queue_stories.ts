/** Short stories of a queue that is paused and reordered, told through the front door. */
import { checkAll, finding } from "./checks.ts";
import { pause } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld } from "./world.ts";

const waiting = 8;
const moves = 40;

/**
 * A queue is paused, filled and reordered, across a kill: nothing of it starts, and it stands in the order that the moves
 * give. Then it goes on, and all of it comes to an end.
 */
export async function pausedQueue(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const { people: [person], nanobanana, random } = world;
  const violations: Violation[] = [];
  const demand = (holds: boolean, says: string, trace: string[] = []) => {
    if (!holds) violations.push({ says, trace });
  };
  const created = () => nanobanana.journal.filter(({ request }) => request === "create").length;
  const line = async (): Promise<string[]> => {
    const queue = await (await person.send("GET", "/queue")).json();
    return queue.waiting.map(({ promptId }: { promptId: string }) => promptId);
  };
  await (await person.send("POST", "/queue/pause")).body?.cancel();
  let order: string[] = [];
  for (let i = 0; i < waiting; i++) {
    const promptId = await person.submit(`waits ${i}`, { model: "nanobanana", imageSize: "1024x1024" });
    if (promptId === null) throw new Error("a prompt was refused");
    order.push(promptId);
  }
  for (let i = 0; i < moves; i++) {
    if (i === moves / 2) {
      await world.kill();
      await world.start();
    }
    const [id, other] = [0, 1].map(() => order[Math.floor(random() * waiting)]);
    const kind = Math.floor(random() * 3);
    const position = kind === 0 ? "front" : kind === 1 ? "back" : { before: other };
    const answer = await person.send("PATCH", `/prompts/${id}`, { position });
    await answer.body?.cancel();
    demand(answer.status === 200, `a move answers ${answer.status}`, [id, JSON.stringify(position)]);
    order = movedTo(order, { id, position });
    const found = await line();
    demand(found.join() === order.join(), "a queue is not in the order of its moves", found);
  }
  await pause(1500);
  demand(created() === 0, `${created()} tasks were made of a paused queue`);
  await (await person.send("POST", "/queue/resume")).body?.cancel();
  return [...checkAll(await world.settle()), finding("queue", violations, { cases: moves + 1 })];
}

function movedTo(
  order: readonly string[],
  { id, position }: { id: string; position: "front" | "back" | { before: string } },
): string[] {
  if (typeof position === "object" && position.before === id) return [...order];
  const others = order.filter((each) => each !== id);
  if (position === "front") return [id, ...others];
  if (position === "back") return [...others, id];
  return others.toSpliced(others.indexOf(position.before), 0, id);
}
