/** A program that asks again and again with the tags that it has, through kills. */
import { checkAll, finding } from "./checks.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld } from "./world.ts";

const paths = ["/prompts", "/images", "/queue", "/batches", "/usage", "/notices", "/me"];
const steps = 24;
const killsDue = 2;
/** A change is told by the feed, and seen by a poll, within that. */
const patienceMs = 15_000;

interface Known {
  tag: string;
  body: string;
}

/**
 * Somebody sends prompts, which run and end by themselves, and gives stars, deletes and brings back, pauses and goes on.
 * A program of theirs asks for lists with the tags that it has: what it believes after a 304 is what it would be told.
 */
export async function pollingProgram(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const { people: [person], random } = world;
  const known = new Map<string, Known>();
  const violations: Violation[] = [];
  let cases = 0;
  const look = async (after: string) => {
    for (const path of paths) {
      cases++;
      if (await isStale(person, { path, known })) {
        violations.push({ says: `${path} is stale`, trace: [after] });
      }
    }
  };
  await look("the start");
  for (let i = 0; i < steps; i++) {
    const done = await change(person, { i, random });
    if (i % (steps / killsDue) === 5) {
      await world.kill();
      await world.start();
    }
    await look(done);
  }
  await (await person.send("POST", "/queue/resume")).body?.cancel();
  const ended = await sent(person);
  // The program is told of each end by its polls alone.
  const deadline = Date.now() + patienceMs;
  const isOver = () => {
    const body = JSON.parse(known.get("/prompts")!.body) as { prompts: { status: string }[] };
    return body.prompts.every(({ status }) => status !== "PENDING" && status !== "PROCESSING");
  };
  while (Date.now() < deadline && !isOver()) {
    await look("the end");
    await pause(200);
  }
  if (!isOver()) violations.push({ says: `a poll never tells of an end, of ${ended} prompts`, trace: [] });
  const evidence = await world.settle();
  return [...checkAll(evidence), finding("polled", violations, { cases })];
}

async function sent(person: Person): Promise<number> {
  return (await (await person.send("GET", "/prompts")).json()).pagination.total;
}

/** Does something, and says what. */
async function change(person: Person, { i, random }: { i: number; random: () => number }): Promise<string> {
  const kinds = ["a prompt", "a star", "a delete", "an undelete", "a pause"];
  const kind = i % 3 === 0 ? kinds[0] : kinds[Math.floor(random() * kinds.length)];
  if (kind === "a prompt") {
    await person.submit(`is polled for ${i}`, { model: "sketch", imageSize: "1024x1024" });
    return kind;
  }
  if (kind === "a pause") {
    await (await person.send("POST", `/queue/${random() < 0.5 ? "pause" : "resume"}`)).body?.cancel();
    return kind;
  }
  const { images } = await (await person.send("GET", "/images")).json();
  if (images.length === 0) return "nothing";
  const path = `/images/${images[0].imageId}`;
  if (kind === "a star") {
    await (await person.send("PATCH", path, { rating: 1 + i % 5 })).body?.cancel();
    return kind;
  }
  await (await person.send("DELETE", path)).body?.cancel();
  // So that at the end each picture is where the books say.
  await (await person.send("POST", `${path}/undelete`)).body?.cancel();
  return kind;
}

/** What changes between two questions is no fault: only what is still not told when it is asked for once more. */
async function isStale(
  person: Person,
  { path, known }: { path: string; known: Map<string, Known> },
): Promise<boolean> {
  const before = known.get(path);
  const told = await ask(person, { path, tag: before?.tag });
  if (told !== null) {
    known.set(path, told);
    return false;
  }
  const now = (await ask(person, { path }))!;
  if (now.body === before!.body) return false;
  const isStale = await ask(person, { path, tag: before!.tag }) === null;
  known.set(path, now);
  return isStale;
}

/** Null: it is as it was. */
async function ask(
  person: Person,
  { path, tag }: { path: string; tag?: string },
): Promise<Known | null> {
  const answer = await person.send("GET", path, undefined, tag === undefined ? {} : { "If-None-Match": tag });
  const body = await answer.text();
  if (answer.status === 304) return null;
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  return { tag: answer.headers.get("ETag") ?? "", body };
}
