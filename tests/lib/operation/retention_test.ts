import assert from "node:assert/strict";
import { announcedMs, listLeaving, sumLeaving } from "../../../lib/images/leaving.ts";
import { countImages, readImage } from "../../../lib/images/image_store.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { rated } from "../../../lib/images/marking.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { retainPictures } from "../../../lib/operation/retention.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { listNotices } from "../../../lib/users/notice.ts";
import { keys } from "../../../lib/store/schema.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const dayMs = 24 * 3600 * 1000;
const retainDays = 30;
const always = () => true;

async function make(client: Client): Promise<string> {
  const answer = await client.post("/api/v1/images/generate", { prompt: "a lighthouse" });
  return (await answer.json()).images[0].id;
}

function walk(
  { store }: Pick<Studio, "store">,
  goesOn: () => boolean = always,
  days: number | null = retainDays,
) {
  return retainPictures({ store, retainDays: days, goesOn });
}

async function isThere({ store }: Studio, imageId: string): Promise<boolean> {
  return await readImage(store, imageId) !== null;
}

async function star(studio: Studio, imageId: string, rating = 1): Promise<void> {
  const image = await readImage(studio.store, imageId);
  await markImage(studio.store, { userId: image!.value.userId, imageId }, rated(rating));
}

Deno.test("an old picture is announced for fourteen days, by the bell and on pages, and goes then", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now, retainDays, galleryMode: "open" });
  const { store, owner } = studio;
  const program = await studio.withKey();
  const id = await make(program);
  clock.advance((retainDays * dayMs) - announcedMs - 1000);
  assert.deepEqual(await walk(studio), { announced: 0, gone: 0, kept: 0 });
  clock.advance(1000);
  const young = await make(program);
  assert.deepEqual(await walk(studio), { announced: 1, gone: 0, kept: 0 });
  assert.deepEqual((await listLeaving(store, { userId: owner.id, limit: 9 })).map(({ imageId }) => imageId), [
    id,
  ]);
  const { items: [notice] } = await listNotices(store, { userId: owner.id, limit: 1 });
  assert.deepEqual([notice.kind, notice.href], ["storage", "/leaving"]);
  assert.match(notice.words, /^1 picture of yours goes, the first on \d{4}-\d\d-\d\d: star/);
  const { leaving } = await (await program.get("/api/v1/storage")).json();
  assert.equal(Date.parse(leaving.firstAt) - clock.now(), announcedMs);
  const session = await studio.withSession();
  for (const path of ["/gallery", "/usage"]) {
    assert.match(await (await session.get(path)).text(), /1 of your pictures goes/);
  }
  assert.match(await (await session.get("/leaving")).text(), new RegExp(`/images/${id}"`));
  assert.match(
    await (await session.get("/admin/storage")).text(),
    /1 picture of 1 person within the next 14 days/,
  );

  clock.advance(announcedMs - 1000);
  assert.equal((await walk(studio)).gone, 0);
  assert.ok(await isThere(studio, id), "not a second before");
  clock.advance(1000);
  assert.deepEqual(await walk(studio), { announced: 0, gone: 1, kept: 0 });
  assert.deepEqual([await isThere(studio, id), await isThere(studio, young)], [false, true]);
  assert.equal(await sumLeaving(store, owner.id), null);
  assert.equal((await (await studio.withSession()).form("/gallery/undelete", { image: id })).status, 303);
  assert.ok(await isThere(studio, id), "it can be undone, as any deletion");
  assert.deepEqual((await verify(store, studio)).violations, []);
});

Deno.test("what is old already when the setting is made is announced for fourteen days, too", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const id = await make(await studio.withKey());
  clock.advance(900 * dayMs);
  assert.deepEqual(await walk(studio), { announced: 1, gone: 0, kept: 0 });
  clock.advance(announcedMs - 1);
  await walk(studio);
  assert.ok(await isThere(studio, id));
  clock.advance(1);
  assert.equal((await walk(studio)).gone, 1);
});

Deno.test("what is starred, on a board, shared, published or being changed stays, until it is so no more", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now, galleryMode: "open" });
  const { store, owner } = studio;
  const program = await studio.withKey();
  const ids: string[] = [];
  for (let n = 0; n < 6; n++) ids.push(await make(program));
  const [starred, onBoard, shared, published, source, plain] = ids;
  await star(studio, starred);
  const board = await createBoard(store, { userId: owner.id, name: "Wall", description: "" });
  assert.equal(
    (await program.post(`/api/v1/boards/${board.id}/images`, { imageIds: [onBoard] })).status < 300,
    true,
  );
  const share = await program.post("/api/v1/shares", { imageIds: [shared], expires: null });
  assert.equal(share.status, 201);
  assert.equal(
    (await program.post("/api/v1/publications", { imageId: published, title: "Sea" })).status,
    201,
  );
  await store.kv.set(keys.sourceUse(source, store.ids()), null);
  clock.advance(100 * dayMs);
  assert.deepEqual(await walk(studio), { announced: 1, gone: 0, kept: 0 });
  clock.advance(announcedMs);
  assert.deepEqual(await walk(studio), { announced: 0, gone: 1, kept: 0 });
  assert.deepEqual(
    await Promise.all(ids.map((id) => isThere(studio, id))),
    [true, true, true, true, true, false],
    `${plain} alone was wanted by nobody`,
  );

  await star(studio, starred, 0);
  const { share: { id: shareId } } = await share.json();
  assert.equal((await program.delete(`/api/v1/shares/${shareId}`)).status, 200);
  assert.equal((await walk(studio)).announced, 2);
  clock.advance(announcedMs - 1);
  assert.equal((await walk(studio)).gone, 0, "each is announced in its turn");
  clock.advance(1);
  assert.equal((await walk(studio)).gone, 2);
});

Deno.test("a picture that was announced stays if somebody stars it, or the setting is taken away", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  const [wanted, other] = [await make(program), await make(program)];
  clock.advance(100 * dayMs);
  assert.equal((await walk(studio)).announced, 2);
  await star(studio, wanted);
  assert.deepEqual(await walk(studio), { announced: 0, gone: 0, kept: 1 });
  clock.advance(announcedMs);
  assert.deepEqual(await walk(studio, always, null), { announced: 0, gone: 0, kept: 1 });
  assert.deepEqual([await isThere(studio, wanted), await isThere(studio, other)], [true, true]);
  assert.equal(await sumLeaving(studio.store, studio.owner.id), null);
});

Deno.test("a star, a share or a board that comes in the moment in which a picture goes keeps it", async () => {
  for (const act of ["star", "share", "board", "publish"] as const) {
    const clock = createTestClock();
    await using studio = await createStudio({ now: clock.now, galleryMode: "open" });
    const { store, owner } = studio;
    const program = await studio.withKey();
    const id = await make(program);
    const board = await createBoard(store, { userId: owner.id, name: "Wall", description: "" });
    clock.advance(100 * dayMs);
    await walk(studio);
    clock.advance(announcedMs);
    const acts = {
      star: () => star(studio, id),
      share: () => program.post("/api/v1/shares", { imageIds: [id], expires: null }),
      board: () => program.post(`/api/v1/boards/${board.id}/images`, { imageIds: [id] }),
      publish: () => program.post("/api/v1/publications", { imageId: id, title: "Sea" }),
    };
    // The walk has looked at all of it, and is about to write.
    let isActed = false;
    interceptCommits(store.kv, async (writes, commit) => {
      if (!isActed && writes.some(({ key }) => key[0] === "trash")) {
        isActed = true;
        await acts[act]();
      }
      return await commit();
    });
    const { gone } = await walk(studio);
    assert.ok(isActed);
    assert.equal(gone, 0, act);
    assert.ok(await isThere(studio, id), act);
    assert.deepEqual((await verify(store, studio)).violations, []);
  }
});

Deno.test("a walk that is broken off anywhere leaves the books right, and the next one goes on", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  for (let n = 0; n < 5; n++) await make(program);
  const after = (steps: number) => () => steps-- > 0;
  clock.advance(100 * dayMs);
  assert.equal((await walk(studio, after(2))).announced, 2);
  assert.deepEqual((await listNotices(studio.store, { userId: studio.owner.id, limit: 1 })).items, []);
  assert.equal((await walk(studio)).announced, 3);
  assert.equal((await listNotices(studio.store, { userId: studio.owner.id, limit: 9 })).items.length, 1);
  clock.advance(announcedMs);
  assert.equal((await walk(studio, after(3))).gone, 3);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
  assert.equal(await countImages(studio.store, studio.owner.id), 2);
  assert.equal((await walk(studio)).gone, 2);
  assert.equal(await countImages(studio.store, studio.owner.id), 0);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});
