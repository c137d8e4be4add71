import assert from "node:assert/strict";
import type { Batch } from "../../../lib/batches/batch.ts";
import { listBatchPrompts, readBatch } from "../../../lib/batches/batch_store.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { rated } from "../../../lib/images/marking.ts";
import { readAccount } from "../../../lib/money/ledger.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { acceptTestBatch, planRows, rowTexts, type TestBatch } from "../../fixtures/batches.ts";
import { createStandIn, holdUntil, succeed } from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

async function accept(studio: Studio, batch: TestBatch): Promise<Batch> {
  const { models, doorbell } = studio.deps;
  return (await acceptTestBatch(studio, studio.owner, { models, doorbell, ...batch })).batch.value;
}

const read = async ({ store }: Studio, { id }: Pick<Batch, "id">) => (await readBatch(store, id))!.value;

/** The pictures of a batch by row, as far as they are there. */
async function picturesOf(studio: Studio, batch: Batch): Promise<string[]> {
  const { items } = await listBatchPrompts(studio.store, { batch: await read(studio, batch), limit: 100 });
  return items.toSorted((a, b) => a.value.row! - b.value.row!).flatMap(({ value }) =>
    imagesOf(value).map(({ id }) => id)
  );
}

const done = (studio: Studio, batch: Batch) =>
  until(() => read(studio, batch), ({ state }) => state === "DONE");

Deno.test("the best of a batch is picked in the order of its rows, and the batch counts its stars", async () => {
  await using studio = await createStudio();
  const person = await studio.withSession();
  const batch = await accept(studio, { rows: 3 });
  await done(studio, batch);
  const ids = await picturesOf(studio, batch);
  const shownIn = (page: string) => /data-picture="([^"]+)"/.exec(page)?.[1];
  const path = `/batches/${batch.id}/pick`;
  const page = await (await person.get(path)).text();
  assert.equal(shownIn(page), ids[0]);
  const next = await person.form(`${path}?at=${ids[0]}`, { rating: "5" });
  assert.equal(shownIn(await (await person.get(next.headers.get("Location")!)).text()), ids[1]);
  assert.equal((await read(studio, batch)).counts.stars, 1);
  const end = await (await person.get(`${path}?at=end`)).text();
  assert.match(end, /Keep 1, delete 2/);
  assert.ok(end.includes(`action="${path}/keep"`));
  const other = await studio.withSession(await studio.addMember());
  for (const each of [path, `${path}?at=end`]) assert.equal((await other.get(each)).status, 404);
  assert.equal((await other.form(path, { rating: "5" })).status, 404);
});

Deno.test("a batch counts pictures with stars, whoever gives how many, and one that is deleted as before", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const batch = await accept(studio, { rows: 4 });
  await done(studio, batch);
  const ids = await picturesOf(studio, batch);
  const rate = (imageId: string, rating: number) =>
    markImage(store, { userId: owner.id, imageId }, rated(rating));
  const stars = async () => (await read(studio, batch)).counts.stars;
  const steps: [picture: number, rating: number, stars: number][] = [
    [0, 1, 1],
    [0, 5, 1],
    [1, -1, 1],
    [1, 3, 2],
    [0, 0, 1],
    [1, -1, 0],
    [2, 0, 0],
  ];
  for (const [picture, rating, expected] of steps) {
    await rate(ids[picture], rating);
    assert.equal(await stars(), expected, `${picture} ${rating}`);
  }
  await Promise.all(ids.flatMap((id) => [rate(id, 4), rate(id, 2), rate(id, 5)]));
  assert.equal(await stars(), 4);
  await deleteImage(store, { id: ids[3] });
  await undoDeletion(store, { userId: owner.id, imageId: ids[3] });
  assert.equal(await stars(), 4);
  assert.deepEqual((await verify(store, studio)).violations, []);
});

Deno.test("the second picture with a star stops the batch: nothing is submitted after that commit", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  standIn.scripts.push(
    succeed,
    succeed,
    succeed,
    ...Array.from({ length: 30 }, () => holdUntil(gate.promise)),
  );
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey(studio.owner, "generate");
  const batch = await accept(studio, { rows: 30, terms: { stopAtStars: 2 } });
  const ids = await until(() => picturesOf(studio, batch), (found) => found.length === 3);
  await until(() => read(studio, batch), ({ counts, open }) => counts.completed === 3 && open.length === 8);
  await program.patch(`/api/v1/images/${ids[0]}`, { rating: 3 });
  assert.equal((await read(studio, batch)).state, "RUNNING");
  await until(() => studio.standIn.submitted.length, (count) => count === 7);
  assert.equal((await program.patch(`/api/v1/images/${ids[1]}`, { rating: 1 })).status, 200);
  const { state, reason, reserveMicros, counts } = await read(studio, batch);
  assert.deepEqual([state, reason, reserveMicros, counts.stars], ["STOPPED", "stars", 0, 2]);
  gate.resolve();
  const ended = await until(() => read(studio, batch), ({ open }) => open.length === 0);
  assert.deepEqual([ended.counts.completed, ended.counts.cancelled], [7, 4]);
  assert.equal(studio.standIn.submitted.length, 7);
  await until(() => readAccount(studio.store, studio.owner.id), ({ heldMicros }) => heldMicros === 0);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("stars that come after the limit has stopped a batch count: a higher limit does not let it go on", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey(studio.owner, "generate");
  const { mostMicros } = planRows(studio.deps.models, rowTexts(2));
  const batch = await accept(studio, { rows: 6, terms: { limitMicros: mostMicros, stopAtStars: 1 } });
  await until(() => read(studio, batch), ({ reason }) => reason === "limit");
  const [id] = await picturesOf(studio, batch);
  assert.equal((await program.patch(`/api/v1/images/${id}`, { rating: 5 })).status, 200);
  const raised = await program.patch(`/api/v1/batches/${batch.id}`, { limit: 1 });
  assert.equal(raised.status, 409);
  const { state, reason, next, reserveMicros } = await read(studio, batch);
  assert.deepEqual([state, reason, next, reserveMicros], ["STOPPED", "stars", 2, 0]);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});
