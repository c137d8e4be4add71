/** What people say of their pictures, killed in the middle of saying it. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { isFinal } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

/** What an answer said, or the facts of a picture say now. */
interface Marks {
  rating: number;
  tags: string[];
  boards: string[];
}

/**
 * Pictures are rated, tagged and put onto a board, one is deleted and another brought back, and the process dies while
 * more of that is on its way. What was answered holds; then the board goes, and again the process dies.
 */
export const sortedPictures: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  const imageIds = await makePictures(person);
  const boardId = await ask(person, "POST", "/boards", { name: "foxes" }).then(({ board }) => board.id);
  await ask(person, "POST", `/boards/${boardId}/images`, { imageIds });
  const [deleted, back, ...kept] = imageIds;
  for (const id of [deleted, back]) await ask(person, "DELETE", `/images/${id}`);
  await ask(person, "POST", `/images/${back}/undelete`);
  const said = new Map<string, Marks>();
  await dieWhile(world, (isDead) => kept.map((id) => markInTurn(person, { id, said, isDead })));
  const violations = await compare(person, { said, boardId, onBoard: [back, ...kept] });
  await dieWhile(world, () => [ask(person, "DELETE", `/boards/${boardId}`).catch(() => {})]);
  await ask(person, "DELETE", `/boards/${boardId}`);
  violations.push(...await compareWithout(person, { imageIds: [back, ...kept], boardId }));
  return [...checkAll(await world.settle()), finding("marks", violations, { cases: said.size })];
};

async function makePictures(person: Person): Promise<string[]> {
  const ids: string[] = [];
  for (const words of ["red", "green", "blue"]) {
    const fields = { model: "sketch", imageSize: "512x512", count: 4 };
    const promptId = await person.submit(words, fields);
    const prompt = await until(() => person.read(promptId!), ({ status }) => isFinal(status), 30_000);
    ids.push(...prompt.images);
  }
  return ids;
}

/** Until nobody answers any more, or, where another node does, the one is dead; what was answered last is noted. */
async function markInTurn(
  person: Person,
  { id, said, isDead }: { id: string; said: Map<string, Marks>; isDead: () => boolean },
): Promise<void> {
  for (let i = 0; !isDead(); i++) {
    const marks = { rating: i % 7 - 1, tags: [`round ${i}`] };
    const answer = await person.send("PATCH", `/images/${id}`, marks);
    const { image } = await answer.json();
    said.set(id, image);
  }
}

async function dieWhile(world: World, work: (isDead: () => boolean) => Promise<unknown>[]): Promise<void> {
  let isDead = false;
  const ended = Promise.allSettled(work(() => isDead));
  await pause(20 + world.random() * 200);
  await world.kill();
  isDead = true;
  await ended;
  await world.start();
}

/** A mark that was not answered any more may have been written: it is the one after that which was. */
async function compare(
  person: Person,
  { said, boardId, onBoard }: { said: ReadonlyMap<string, Marks>; boardId: string; onBoard: string[] },
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [id, { tags: [answered] }] of said) {
    const { image } = await ask(person, "GET", `/images/${id}`);
    const [round, last] = [image.tags[0], answered].map((tag) => Number(tag?.slice("round ".length)));
    const isKept = (round === last || round === last + 1) && image.rating === round % 7 - 1 &&
      image.boards.join() === boardId;
    if (isKept) continue;
    const trace = [
      JSON.stringify({ id, said: answered, tags: image.tags, rating: image.rating, boards: image.boards }),
    ];
    violations.push({ says: "what was said of a picture is not what it says", trace });
  }
  const { images } = await ask(person, "GET", `/boards/${boardId}/images?limit=100`);
  const listed: string[] = images.map(({ imageId }: { imageId: string }) => imageId);
  if (listed.toSorted().join() !== onBoard.toSorted().join()) {
    violations.push({
      says: `${listed.length} pictures are on a board, not ${onBoard.length}`,
      trace: listed,
    });
  }
  return violations;
}

async function compareWithout(
  person: Person,
  { imageIds, boardId }: { imageIds: readonly string[]; boardId: string },
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const id of imageIds) {
    const answer = await until(
      () => ask(person, "GET", `/images/${id}`),
      ({ image }) => image?.boards.length === 0,
      20_000,
    ).catch(() => null);
    if (answer === null) {
      violations.push({ says: `a picture is still on the deleted board ${boardId}`, trace: [id] });
    }
  }
  return violations;
}

// deno-lint-ignore no-explicit-any
async function ask(person: Person, method: string, path: string, body?: unknown): Promise<any> {
  return await (await person.send(method, path, body)).json();
}
