/** A board that several people work on at once, while some are taken off it and the process dies. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { isFinal } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

const rounds = 3;

/**
 * Two people put pictures onto a board at once and say something, and the process dies meanwhile. Then one is taken off
 * while a picture is being made for it, and the process dies again: what was answered as taken off sees nothing any
 * more, by any route and from the next request on, and the picture stays its maker's.
 */
export const sharedBoards: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld({ ...options, budgets: [null, null] });
  await world.start();
  const [owner, member] = world.people;
  const memberId = (await ask<{ user: { id: string } }>(member, "GET", "/me")).user.id;
  const [owned, added] = [await makePictures(owner), await makePictures(member)];
  const violations: Violation[] = [];
  for (let round = 0; round < rounds; round++) {
    const { board: { id } } = await ask<{ board: { id: string } }>(owner, "POST", "/boards", {
      name: `round ${round}`,
    });
    const path = `/boards/${id}`;
    await ask(owner, "PUT", `${path}/members/${memberId}`, { role: "editor" });
    await addAtOnce(world, { owner, member, path, owned, added });
    violations.push(...await compare(owner, { path, imageIds: [...owned, ...added] }));
    const promptId = await member.submit("late", { ...lateFields, boardId: id });
    const removed = await owner.send("DELETE", `${path}/members/${memberId}`);
    await removed.body?.cancel();
    const removedAt = Date.now();
    violations.push(...await look(member, { path, imageId: owned[0], when: "at once" }));
    await world.kill();
    await world.start();
    violations.push(...await look(member, { path, imageId: owned[0], when: "after a kill" }));
    violations.push(...await compareLate(member, { promptId: promptId!, removedAt }));
  }
  return [...checkAll(await world.settle()), finding("together", violations, { cases: rounds })];
};

async function addAtOnce(
  world: World,
  { owner, member, path, owned, added }: {
    owner: Person;
    member: Person;
    path: string;
    owned: readonly string[];
    added: readonly string[];
  },
): Promise<void> {
  const work = () =>
    Promise.allSettled([
      owner.send("POST", `${path}/images`, { imageIds: owned }),
      member.send("POST", `${path}/images`, { imageIds: added }),
      member.send("POST", `${path}/comments`, { imageId: null, text: "Both at once" }),
    ]);
  const dying = work();
  await pause(world.random() * 30);
  await world.kill();
  await dying;
  await world.start();
  for (const done of await work()) {
    if (done.status === "fulfilled") await done.value.body?.cancel();
  }
}

/** Each is there once, whoever put it there and however often that was asked for. */
async function compare(
  owner: Person,
  { path, imageIds }: { path: string; imageIds: readonly string[] },
): Promise<Violation[]> {
  const list = await ask<{ images: { imageId: string }[] }>(owner, "GET", `${path}/images?limit=100`);
  const listed = list.images.map(({ imageId }) => imageId);
  if (listed.toSorted().join() === imageIds.toSorted().join()) return [];
  return [{ says: `${listed.length} pictures are on a shared board, not ${imageIds.length}`, trace: listed }];
}

async function look(
  member: Person,
  { path, imageId, when }: { path: string; imageId: string; when: string },
): Promise<Violation[]> {
  const image = `/images/${imageId}`;
  const paths = [
    path,
    `${path}/images`,
    `${path}/comments`,
    image,
    `${image}/file`,
    `${image}/file?width=320`,
  ];
  const violations: Violation[] = [];
  for (const each of paths) {
    const { status, body } = await member.send("GET", each);
    await body?.cancel();
    if (status === 404) continue;
    violations.push({ says: `whoever was taken off a board is answered ${status} ${when}`, trace: [each] });
  }
  const said = await member.send("POST", `${path}/comments`, { imageId: null, text: "Still here" });
  await said.body?.cancel();
  if (said.status !== 404) {
    violations.push({ says: "whoever was taken off a board comments on it", trace: [path] });
  }
  return violations;
}

/** It takes a while. */
const lateFields = { model: "sketch", imageSize: "1536x1536", count: 4 };

interface LateImage {
  boards: string[];
  createdAt: string;
}

async function compareLate(
  member: Person,
  { promptId, removedAt }: { promptId: string; removedAt: number },
): Promise<Violation[]> {
  const prompt = await until(() => member.read(promptId), ({ status }) => isFinal(status), 30_000);
  const violations: Violation[] = [];
  for (const id of prompt.images) {
    const { image } = await ask<{ image: LateImage }>(member, "GET", `/images/${id}`);
    // It may have been there before its maker was taken off, and then it stays.
    if (image.boards.length === 0 || Date.parse(image.createdAt) < removedAt) continue;
    violations.push({ says: "a picture came onto a board that its maker was taken off", trace: [id] });
  }
  return violations;
}

async function makePictures(person: Person): Promise<string[]> {
  const promptId = await person.submit("for the board", { model: "sketch", imageSize: "512x512", count: 3 });
  const prompt = await until(() => person.read(promptId!), ({ status }) => isFinal(status), 30_000);
  return prompt.images;
}

async function ask<Answer>(person: Person, method: string, path: string, body?: unknown): Promise<Answer> {
  return await (await person.send(method, path, body)).json();
}
