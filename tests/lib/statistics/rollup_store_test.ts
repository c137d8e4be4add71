import assert from "node:assert/strict";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { readStoredBytes } from "../../../lib/users/stored_bytes.ts";
import { rated } from "../../../lib/images/marking.ts";
import type { Charge } from "../../../lib/money/charge.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf, type Task, toOutcome } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { readRollups, readRollupsOfAll } from "../../../lib/statistics/rollup_store.ts";
import { quantile } from "../../../lib/statistics/histogram.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestStore,
  createTestUser,
  failPrompt,
  imageBytes,
  startPrompt,
  testImage,
  type TestStore,
} from "../../fixtures/store.ts";
import { blobKeys } from "../../../lib/blobs/blobs.ts";

const november = { from: "2026-11-01", to: "2026-11-30" };

async function only(store: TestStore, userId: string) {
  const rows = await readRollups(store, { userId, days: november });
  assert.equal(rows.length, 1);
  return rows[0].rollup;
}

Deno.test("a picture is worth keeping from its fourth star on, until it loses it or is deleted", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const [first, second] = imagesOf(
    (await completePrompt(store, user, { blobs, request: { count: 2 } })).value,
  );
  const rate = (id: string, stars: number) =>
    markImage(store, { userId: user.id, imageId: id }, rated(stars));
  const keepers = async () => (await only(store, user.id)).keepers;
  store.clock.advance(45 * 24 * 3_600_000);
  const expected: [() => Promise<unknown>, number][] = [
    [() => rate(first.id, 3), 0],
    [() => rate(first.id, 4), 1],
    [() => rate(first.id, 5), 1],
    [() => rate(second.id, 5), 2],
    [() => rate(second.id, -1), 1],
    [() => deleteImage(store, first), 0],
    [() => deleteImage(store, second), 0],
    [() => undoDeletion(store, { userId: user.id, imageId: second.id }), 0],
    [() => undoDeletion(store, { userId: user.id, imageId: first.id }), 1],
  ];
  for (const [i, [does, count]] of expected.entries()) {
    await does();
    assert.equal(await keepers(), count, `after step ${i}`);
  }
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("a star that is given before the prompt is booked counts with it", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const accepted = await acceptPrompt(store, user, { request: { count: 2 } });
  const before = await startPrompt(store, accepted.prompt.value.id);
  const charge: Charge = { costMicros: 1, basis: "table", priceRow: null };
  const [early, late] = [testImage(store, before.value), testImage(store, before.value)];
  for (const { id, contentType } of [early, late]) {
    await blobs.put(blobKeys.picture(id), imageBytes(id), contentType);
  }
  const done = ({ id }: { id: string }): Task => ({
    state: "done",
    count: 1,
    images: [{ id, isDeleted: false }],
    charge,
  });
  const waiting: Task = { state: "waiting", count: 1, images: [] };
  const half = await writeProgress(store, {
    before,
    after: { ...before.value, tasks: [done(early), waiting] },
    images: [early],
  });
  assert.deepEqual(await readRollups(store, { userId: user.id, days: november }), []);
  await markImage(store, { userId: user.id, imageId: early.id }, rated(5));
  const after = toOutcome({ ...before.value, tasks: [done(early), done(late)] }, { at: store.now() });
  // It has not seen the star.
  assert.equal(await writeProgress(store, { before: half!, after, images: [late] }), null);
  const seen = (await readPrompt(store, before.value.id))!;
  assert.ok(await writeProgress(store, { before: seen, after, images: [late] }));
  assert.equal((await only(store, user.id)).keepers, 1);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("many that end at once, with stars between them, are all counted once", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const first = await completePrompt(store, user, { blobs, request: { count: 8 } });
  await Promise.all([
    ...Array.from({ length: 20 }, () => completePrompt(store, user, { blobs })),
    ...Array.from({ length: 10 }, () => failPrompt(store, user)),
    ...imagesOf(first.value).map(({ id }) => markImage(store, { userId: user.id, imageId: id }, rated(4))),
  ]);
  const { prompts, completed, failed, images, keepers } = await only(store, user.id);
  assert.deepEqual([prompts, completed, failed, images, keepers], [31, 21, 10, 28, 8]);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("everybody's are read in whatever days, and nobody else's rows stand between one's own", async () => {
  using store = await createTestStore();
  const [ada, grace] = [await createTestUser(store), await createTestUser(store)];
  for (const user of [ada, grace]) {
    for (let day = 0; day < 3; day++) {
      await completePrompt(store, user);
      store.clock.advance(24 * 3_600_000);
    }
  }
  const days = { from: "2026-11-24", to: "2026-11-26" };
  const own = await readRollups(store, { userId: ada.id, days });
  assert.deepEqual(own.map(({ day, userId }) => [day, userId]), [
    ["2026-11-24", ada.id],
    ["2026-11-25", ada.id],
  ]);
  const all = await readRollupsOfAll(store, days);
  assert.deepEqual(all.map(({ day, userId }) => [day, userId]), [
    ["2026-11-24", ada.id],
    ["2026-11-25", ada.id],
    ["2026-11-26", grace.id],
  ]);
  assert.deepEqual(await readRollupsOfAll(store, { from: "2020-01-01", to: "2020-12-31" }), []);
});

Deno.test("how long it took is from acceptance to the end, and of failed ones nothing is told", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const accepted = await acceptPrompt(store, user);
  store.clock.advance(30_000);
  const before = await startPrompt(store, accepted.prompt.value.id);
  store.clock.advance(30_000);
  const image = testImage(store, before.value);
  const charge: Charge = { costMicros: 1, basis: "table", priceRow: null };
  const task: Task = { state: "done", count: 1, images: [{ id: image.id, isDeleted: false }], charge };
  const after = toOutcome({ ...before.value, tasks: [task] }, { at: store.now() });
  await writeProgress(store, { before, after, images: [image] });
  await failPrompt(store, user);
  const { took } = await only(store, user.id);
  assert.ok(Math.abs(quantile(took, 0.5)! - 60_000) <= 6000);
  assert.equal(Object.keys(took).length, 1);
});

Deno.test("how much is stored follows pictures that come, go and come back", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const [image] = imagesOf((await completePrompt(store, user)).value);
  const size = imageBytes(image.id).length;
  assert.equal(await readStoredBytes(store, user.id), size);
  await deleteImage(store, image);
  assert.equal(await readStoredBytes(store, user.id), 0);
  await undoDeletion(store, { userId: user.id, imageId: image.id });
  assert.equal(await readStoredBytes(store, user.id), size);
});
