/**
 * A thousand users at once, each with an open stream and prompts to send, twice over: how long answers and news take,
 * what it costs in memory, and whether the second time costs more than the first.
 */
import { atOnce } from "./at_once.ts";
import { checkAll, finding } from "./checks.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

export interface LoadOptions extends ScenarioOptions {
  users?: number;
}

const rounds = 2;
const thumbnails = 20;
/** Submissions that are under way at the same moment. */
const lanes = 50;
/** What a second round may cost on top of the first: garbage that waits to be collected, not a leak. */
const mostGrowth = 1.35;

export async function thousandUsers({ users = 1000, ...options }: LoadOptions): Promise<Finding[]> {
  await using world = await createWorld({
    ...options,
    budgets: Array(users).fill(1_000_000),
    env: { CONCURRENCY: "64", USER_CONCURRENCY: "4" },
    patienceMs: 180_000,
  });
  world.nanobanana.pollsUntilDone = 0;
  await world.start();
  await pause(1000);
  const memory = [await residentBytes(world)];
  const submissions: number[] = [];
  let peak = 0;
  const sampling = setInterval(
    () => void residentBytes(world).then((bytes) => peak = Math.max(peak, bytes)),
    500,
  );
  try {
    for (let round = 0; round < rounds; round++) {
      const watched = await atOnce(world.people, { lanes }, async (person) => {
        const startedAt = performance.now();
        const promptId = await person.submit(`round ${round}`, {
          model: "nanobanana",
          imageSize: "1024x1024",
        });
        submissions.push(performance.now() - startedAt);
        if (promptId === null) throw new Error(`${person.name} was refused`);
        return { end: person.watch(promptId, "early") };
      });
      await Promise.all(watched.map(({ end }) => end));
      await pause(1500);
      memory.push(await residentBytes(world));
    }
  } finally {
    clearInterval(sampling);
  }
  const stalls = await whileThumbnailsAreMade(world);
  const evidence = await world.settle();
  const violations: Violation[] = [];
  const [before, first, second] = memory;
  if (second > first * mostGrowth) {
    violations.push({ says: `memory grew from ${mb(first)} to ${mb(second)}`, trace: [] });
  }
  const figure = [
    `accepted in ${spread(submissions)}`,
    `memory ${mb(before)} before, ${mb(peak)} at most, ${mb(first)} and ${
      mb(second)
    } after each of ${rounds} rounds`,
    `longest stall while ${thumbnails} thumbnails are made ${Math.round(Math.max(...stalls))} ms`,
  ];
  const kept = checkAll(evidence).filter(({ promise }) => promise !== "told");
  const told = checkAll(evidence).find(({ promise }) => promise === "told")!;
  const news = told.milliseconds!.length > 0 ? [`the end told in ${spread(told.milliseconds!)}`] : [];
  const never = told.violations.filter(({ says }) => says.includes("never"));
  return [
    ...kept,
    finding("load", [...violations, ...never], {
      cases: submissions.length,
      figure: [...figure, ...news].join("; "),
    }),
  ];
}

/** How long a bare request takes, sent every few milliseconds while the thumbnails are made: what the event loop waits. */
async function whileThumbnailsAreMade({ people }: World): Promise<number[]> {
  const some = people.slice(0, thumbnails);
  const pictures = await Promise.all(some.map(async (person): Promise<[Person, string]> => {
    const { images } = await (await person.send("GET", "/images?limit=1")).json();
    return [person, images[0].imageId];
  }));
  const stalls: number[] = [];
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const startedAt = performance.now();
      await (await people[0].send("GET", "/health")).body?.cancel();
      stalls.push(performance.now() - startedAt);
      await pause(3);
    }
  })();
  await Promise.all(pictures.map(async ([person, imageId]) => {
    const answer = await person.send("GET", `/images/${imageId}/file?width=640`);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`a thumbnail answers ${answer.status}`);
  }));
  isOver = true;
  await probing;
  return stalls;
}

async function residentBytes({ server }: World): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${server.process.pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** As a distribution: the middle, what one in a hundred exceeds, the longest. */
export function spread(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]);
  return `${at(0.5)} ms (99 of 100 within ${at(0.99)}, at most ${at(1)})`;
}
