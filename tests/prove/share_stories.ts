/** Links that are ended and locked while the process dies: who has none, or no password, sees nothing before and after. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { isFinal } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

interface Link {
  id: string;
  path: string;
}

const linksOfAKind = 6;
const below = ["", "/1", "/file/1", "/file/1?width=320", "/file/1?original=1"];

/**
 * Some links are ended and some get a password, one after another, while the process dies. What was answered as ended is
 * not there any more, what was answered as locked says nothing, and the others go on to show their picture.
 */
export const endedLinks: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  const imageId = await makePicture(person);
  const make = () => makeLink(person, imageId);
  const [ending, locking, staying] = await Promise.all(
    [1, 2, 3].map(() => Promise.all(Array.from({ length: linksOfAKind }, make))),
  );
  const [ended, locked] = [new Set<Link>(), new Set<Link>()];
  await dieWhile(world, [
    inTurn(ending, async (link) => {
      if ((await person.send("DELETE", `/shares/${link.id}`)).ok) ended.add(link);
    }),
    inTurn(locking, async (link) => {
      const answer = await person.send("PATCH", `/shares/${link.id}`, { password: "correct horse" });
      if (answer.ok) locked.add(link);
    }),
  ]);
  const violations = [
    ...await expect(world, { links: ended, status: 404 }),
    ...await expect(world, { links: locked, status: 401 }),
    ...await expect(world, { links: staying, status: 200, paths: below.slice(0, -1) }),
  ];
  const cases = ended.size + locked.size + staying.length;
  return [...checkAll(await world.settle()), finding("links", violations, { cases })];
};

async function makePicture(person: Person): Promise<string> {
  const promptId = await person.submit("a fox", { model: "sketch", imageSize: "512x512", count: 1 });
  const prompt = await until(() => person.read(promptId!), ({ status }) => isFinal(status), 30_000);
  return prompt.images[0];
}

async function makeLink(person: Person, imageId: string): Promise<Link> {
  const { share } = await (await person.send("POST", "/shares", { imageIds: [imageId] })).json();
  return { id: share.id, path: new URL(share.url).pathname };
}

/** Until all is done, or nobody answers any more. */
async function inTurn(links: readonly Link[], work: (link: Link) => Promise<void>): Promise<void> {
  for (const link of links) await work(link);
}

async function dieWhile(world: World, work: Promise<unknown>[]): Promise<void> {
  const ended = Promise.allSettled(work);
  await pause(20 + world.random() * 400);
  await world.kill();
  await ended;
  await world.start();
}

/** As somebody asks who has nothing but the link. */
async function expect(
  world: World,
  { links, status, paths = below }: { links: Iterable<Link>; status: number; paths?: readonly string[] },
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const { path } of links) {
    for (const each of paths) {
      const answer = await fetch(world.server.url + path + each);
      await answer.body?.cancel();
      if (answer.status === status) continue;
      const trace = [`GET /s/…${each}: ${answer.status} instead of ${status}`];
      violations.push({ says: "a link shows what it may not, or not what it should", trace });
    }
  }
  return violations;
}
