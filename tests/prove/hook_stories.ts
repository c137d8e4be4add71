/** Webhooks through kills, seen by the program that takes them. */
import { startReceiver } from "../fixtures/hook_receiver.ts";
import { checkAll, finding } from "./checks.ts";
import { pause } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld } from "./world.ts";

const prompts = 24;
const killsDue = 4;
/** A receiver that fails is tried again after five seconds, and a start looks at what is due. */
const patienceMs = 20_000;

/**
 * Prompts come to their ends while the program is killed and the receiver fails now and then: each end is told, with what
 * the prompt says of itself, under one id however often it was sent, and nothing else is.
 */
export async function toldPrograms(options: ScenarioOptions): Promise<Finding[]> {
  await using receiver = startReceiver();
  await using world = await createWorld({ ...options, env: { WEBHOOK_ALLOW: receiver.host } });
  await world.start();
  const { people: [person], random } = world;
  const events = ["prompt.completed", "prompt.failed", "prompt.cancelled"];
  const made = await (await person.send("POST", "/hooks", { url: receiver.url, events })).json();
  receiver.secrets.push(made.secret);
  // Each fails once at most: after a second time it would rest for five minutes.
  const failed = new Set<string>();
  const failOnce = (request: Request) => {
    const id = request.headers.get("webhook-id")!;
    const isFirst = !failed.has(id);
    failed.add(id);
    return new Response(null, { status: isFirst ? 500 : 204 });
  };
  const answerOf = () => {
    if (random() < 0.3) receiver.answers.push(failOnce);
  };
  let kills = 0;
  for (let i = 0; i < prompts; i++) {
    answerOf();
    await person.submit(`is told ${i}`, {
      model: random() < 0.5 ? "sketch" : "nanobanana",
      imageSize: "1024x1024",
    });
    if (kills < killsDue && i % (prompts / killsDue) === 3) {
      kills++;
      await pause(random() * 300);
      await world.kill();
      await world.start();
    }
  }
  const evidence = await world.settle();
  const deadline = Date.now() + patienceMs;
  const taken = () => receiver.received.filter(({ isTaken }) => isTaken);
  const heard = () => new Set(taken().map(({ body }) => String(body.data.promptId)));
  while (Date.now() < deadline && evidence.rest.prompts.some(({ id }) => !heard().has(id))) await pause(100);
  const violations: Violation[] = [];
  const ids = new Map<string, Set<string>>();
  for (const { id, body: { type, data } } of receiver.received) {
    const promptId = String(data.promptId);
    ids.set(promptId, (ids.get(promptId) ?? new Set()).add(id));
    const prompt = evidence.rest.prompts.find((each) => each.id === promptId);
    const isTrue = prompt !== undefined && data.status === prompt.status &&
      type === `prompt.${prompt.status.toLowerCase()}` &&
      data.costMicros === (prompt.ledger?.costMicros ?? 0);
    if (!isTrue) {
      violations.push({ says: "what was told did not happen", trace: [JSON.stringify({ type, data })] });
    }
  }
  for (const { id, status } of evidence.rest.prompts) {
    const trace = [`${id} ${status}`];
    if (!heard().has(id)) violations.push({ says: "the end of a prompt was not told", trace });
    const told = ids.get(id)?.size ?? 0;
    if (told > 1) violations.push({ says: `the end of a prompt was told under ${told} ids`, trace });
  }
  for (const text of receiver.unsigned) {
    violations.push({ says: "it was not signed", trace: [text.slice(0, 200)] });
  }
  return [...checkAll(evidence), finding("hooks", violations, { cases: evidence.rest.prompts.length })];
}
