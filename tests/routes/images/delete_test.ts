import assert from "node:assert/strict";
import { blobKeysOf, strangersForms } from "../../../lib/blobs/blobs.ts";
import { findImage } from "../../../lib/images/image_store.ts";
import { emptyTrash } from "../../../lib/images/delete_image.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { file, make, statusOf } from "../../fixtures/images.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";

const tenMinutes = 10 * 60_000;

/** A picture with everything that is made of it. */
async function makeWhole(studio: Studio, program: Client): Promise<{ id: string; promptId: string }> {
  const made = await make(program, { watermark: "mine" });
  const queries = ["?width=320", "?width=640"].concat(
    pictureFormats.flatMap((format) => [`?download=${format}`, `?download=${format}&settings=1`]),
  );
  for (const query of queries) await (await program.get(file(made.id, query))).arrayBuffer();
  const image = await findImage(studio.store, { userId: studio.owner.id, imageId: made.id });
  for (const as of strangersForms) {
    await studio.deps.files.find(image, { form: { form: "shown", as }, request: null }).locate();
  }
  for (const key of blobKeysOf(made.id)) assert.equal(await studio.blobs.exists(key), true, key);
  return made;
}

function empty({ store, blobs }: Studio) {
  return emptyTrash({ store, blobs: createHoldableBlobs(blobs) });
}

Deno.test("a deleted picture is gone for everybody at once, and ten minutes later with all its bytes", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  const { id, promptId } = await makeWhole(studio, program);
  const answer = await program.delete(`/api/v1/images/${id}`);
  assert.deepEqual([answer.status, await answer.json()], [200, { success: true }]);
  for (const path of [`/api/v1/images/${id}`, file(id), file(id, "?width=320"), file(id, "?download=png")]) {
    assert.equal((await program.get(path)).status, 404, path);
  }
  const { summary, images } = await (await program.get("/api/v1/images")).json();
  assert.deepEqual([summary, images], [{ totalCost: 0.02, totalGenerated: 0 }, []]);
  const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
  assert.deepEqual([prompt.status, prompt.images, prompt.costMicros], ["COMPLETED", [], 20_000]);
  assert.equal((await program.delete(`/api/v1/images/${id}`)).status, 404);
  clock.advance(tenMinutes - 1000);
  assert.equal(await empty(studio), 0);
  clock.advance(1001);
  assert.equal(await empty(studio), 1);
  for (const key of blobKeysOf(id)) assert.equal(await studio.blobs.exists(key), false, key);
  assert.deepEqual(await Array.fromAsync(studio.blobs.list()), []);
  assert.deepEqual(await Array.fromAsync(studio.store.kv.list({ prefix: ["trash"] })), []);
  assert.equal((await program.post(`/api/v1/images/${id}/undelete`)).status, 404);
});

Deno.test("a deletion can be undone for ten minutes, and then everything is as it was", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  const before = [await make(program), await make(program), await make(program)];
  const list = async () => (await (await program.get("/api/v1/images")).json());
  const whole = await list();
  const { id } = before[1];
  await program.delete(`/api/v1/images/${id}`);
  clock.advance(tenMinutes - 1);
  await empty(studio);
  const answer = await program.post(`/api/v1/images/${id}/undelete`);
  assert.deepEqual([answer.status, (await answer.json()).image.id], [200, id]);
  assert.deepEqual(await list(), whole);
  assert.equal(await statusOf(program.get(file(id))), 200);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
  clock.advance(tenMinutes + 1);
  assert.equal(await empty(studio), 0);
  assert.equal((await program.post(`/api/v1/images/${id}/undelete`)).status, 404);
});

Deno.test("the page offers to undo, without a script, and only to whose picture it was", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const session = await studio.withSession();
  const { id } = await make(await studio.withKey());
  const deleted = await session.form(`/images/${id}/delete`, {});
  const [status, location] = [deleted.status, deleted.headers.get("Location")!];
  assert.deepEqual([status, location], [303, `/gallery?deleted=${id}`]);
  const offer = `<form class="deleted" method="post" action="/gallery/undelete">`;
  assert.ok((await (await session.get(location)).text()).includes(offer));
  const other = await studio.withSession(await studio.addMember());
  assert.ok(!(await (await other.get(location)).text()).includes(offer));
  assert.equal((await other.form("/gallery/undelete", { image: id })).status, 404);
  const read = await studio.withKey(studio.owner, "generate");
  assert.equal((await read.post(`/api/v1/images/${id}/undelete`)).status, 403);
  const undone = await session.form("/gallery/undelete", { image: id });
  assert.deepEqual([undone.status, undone.headers.get("Location")], [303, `/images/${id}`]);
  for (const odd of [id, "x", ""]) {
    assert.ok(!(await (await session.get(`/gallery?deleted=${odd}`)).text()).includes("undelete"), odd);
  }
});

Deno.test("the page of a deleted picture offers to undo that, for ten minutes and to whose it was", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const session = await studio.withSession();
  const { id } = await make(await studio.withKey());
  await session.form(`/images/${id}/delete`, {});
  const read = async (client: Client) => {
    const answer = await client.get(`/images/${id}`);
    return [answer.status, (await answer.text()).includes(`<form class="deleted"`)];
  };
  assert.deepEqual(await read(session), [404, true]);
  assert.deepEqual(await read(await studio.withSession(await studio.addMember())), [404, false]);
  const asJson = await session.get(`/images/${id}`, { Accept: "application/json" });
  assert.equal((await asJson.json()).error.code, "not_found");
  clock.advance(tenMinutes + 1);
  await empty(studio);
  assert.deepEqual(await read(session), [404, false]);
});

Deno.test("bytes that refuse to go are gone after the next time, whatever broke off the first", async () => {
  const clock = createTestClock();
  let left = Infinity;
  await using studio = await createStudio({
    now: clock.now,
    blobs: (disk) => ({
      ...disk,
      delete: (key) => left-- > 0 ? disk.delete(key) : Promise.reject(new Error("broken off")),
    }),
  });
  const program = await studio.withKey();
  const { id } = await makeWhole(studio, program);
  await program.delete(`/api/v1/images/${id}`);
  clock.advance(tenMinutes + 1);
  left = 3;
  await assert.rejects(empty(studio), /broken off/);
  assert.equal((await program.post(`/api/v1/images/${id}/undelete`)).status, 404);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
  left = Infinity;
  assert.equal(await empty(studio), 1);
  for (const key of blobKeysOf(id)) assert.equal(await studio.blobs.exists(key), false, key);
});

Deno.test("an undo and the end of its time at once leave the picture whole or gone, never half", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  for (let round = 0; round < 10; round++) {
    const { id } = await make(program);
    await program.delete(`/api/v1/images/${id}`);
    clock.advance(tenMinutes + 1);
    const [undone] = await Promise.all([program.post(`/api/v1/images/${id}/undelete`), empty(studio)]);
    assert.equal(await statusOf(program.get(file(id))), undone.status === 200 ? 200 : 404);
    assert.deepEqual((await verify(studio.store, studio)).violations, []);
  }
});

Deno.test("nothing goes while a backup is taken", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const program = await studio.withKey();
  const { id } = await make(program);
  await program.delete(`/api/v1/images/${id}`);
  clock.advance(tenMinutes + 1);
  const blobs = createHoldableBlobs(studio.blobs);
  assert.equal(await blobs.holdDeletes(() => emptyTrash({ store: studio.store, blobs })), 0);
  assert.equal(await emptyTrash({ store: studio.store, blobs }), 1);
});
