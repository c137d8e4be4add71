/** Short stories of agents, told through their own way in by the official client. */
import { connectAgent } from "../fixtures/agents.ts";
import { checkAll, finding } from "./checks.ts";
import type { Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

const square = { model: "nanobanana", size: "1024x1024" };
const priceUsd = 0.02;
const calls = 20;

/** Many calls at once that agreed to pay less than the price: none is accepted. Then one that agreed to it. */
export async function cautiousAgents(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const { people: [person] } = world;
  await using agent = await connectAgent({ url: world.server.url, key: person.key });
  const agreed = [undefined, 0, priceUsd - 0.000001, priceUsd / 2];
  const violations: Violation[] = [];
  await Promise.all(Array.from({ length: calls }, async (_, i) => {
    const max_cost_usd = agreed[i % agreed.length];
    const prompt = `${person.name}: ${i}`;
    const told = await agent.call("generate_image", { ...square, prompt, max_cost_usd, request_id: `${i}` });
    if (told.isError) return;
    note(world, { person, promptId: told.data.prompt_id, text: prompt, key: `${i}` });
    violations.push({
      says: `${priceUsd} was accepted where ${max_cost_usd} was agreed to`,
      trace: [told.words],
    });
  }));
  const { heldMicros } = await person.books();
  if (heldMicros > 0) violations.push({ says: `${heldMicros} is held for what was refused`, trace: [] });
  const text = `${person.name}: agreed`;
  const wish = { ...square, prompt: text, max_cost_usd: priceUsd, request_id: "agreed" };
  const { data, isError, words } = await agent.call("generate_image", wish);
  if (isError) violations.push({ says: "what was agreed to is refused", trace: [words] });
  else note(world, { person, promptId: data.prompt_id, text, key: "agreed" });
  return [...checkAll(await world.settle()), finding("budget", violations, { cases: calls + 1 })];
}

/** The program is killed while an agent waits; the call is made again once it is back, and joins the first. */
export async function agentAcrossKill(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const { people: [person] } = world;
  const text = `${person.name}: once`;
  const wish = { ...square, prompt: text, max_cost_usd: priceUsd, request_id: "once" };
  const ask = async () => {
    await using agent = await connectAgent({ url: world.server.url, key: person.key });
    return await agent.call("generate_image", wish);
  };
  const reached = world.reaches(({ point, path }) => point === "received" && path.endsWith("/record-info"));
  const lost = ask().then(() => "answered", () => "lost");
  await reached;
  await world.kill();
  const first = await lost;
  await world.start();
  const { data, isError, words } = await ask();
  const violations: Violation[] = [];
  if (first !== "lost") violations.push({ says: "an answer came from a killed program", trace: [] });
  if (isError) violations.push({ says: "the call does not join the first", trace: [words] });
  else note(world, { person, promptId: data.prompt_id, text, key: "once" });
  return [...checkAll(await world.settle()), finding("accepted", violations, { cases: 1 })];
}

function note(
  world: World,
  { person, ...accepted }: { person: Person; promptId: string; text: string; key: string },
): void {
  world.told.push({ at: Date.now(), user: person.name, what: "accepted", ...accepted });
}
