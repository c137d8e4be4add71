/** A picture that is deleted while a prompt still needs it. */
import assert from "node:assert/strict";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";
import { emptyTrash, undoMs } from "../../../lib/images/delete_image.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createEditStandIn, upload } from "../../fixtures/edit_stand_in.ts";
import { statusOf } from "../../fixtures/images.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const empty = ({ store, blobs }: Studio) => emptyTrash({ store, blobs: createHoldableBlobs(blobs) });

/** A prompt that waits to change a part of an upload which is deleted meanwhile, longer ago than can be undone. */
async function setScene() {
  const clock = createTestClock();
  const standIn = createEditStandIn();
  const studio = await createStudio({ standIn, now: clock.now, isWorking: false });
  const program = await studio.withKey();
  const source = await upload(program);
  const shapes = [{ kind: "rect", x: 0, y: 0, width: 0.5, height: 1 }];
  const { mask } = await (await program.post("/api/v1/masks", { image: source, shapes })).json();
  const fields = { imageSize: undefined, sources: [{ id: source }], mask: mask.id };
  const promptId = await submit(program, fields);
  assert.equal((await read(program, promptId)).taskType, "INPAINT");
  assert.equal(await statusOf(program.delete(`/api/v1/images/${source}`)), 200);
  clock.advance(undoMs + 1);
  return { studio, standIn, program, source, maskId: mask.id as string, promptId };
}

async function areThere(studio: Studio, keys: string[]): Promise<boolean[]> {
  return await Promise.all(keys.map((key) => studio.blobs.exists(key)));
}

Deno.test("a source that is deleted keeps its bytes until the prompt that has it is done", async () => {
  const { studio, standIn, program, source, maskId, promptId } = await setScene();
  await using _ = studio;
  const bytes = [blobKeys.picture(source), blobKeys.mask(maskId)];
  assert.equal(await empty(studio), 0);
  assert.deepEqual(await areThere(studio, bytes), [true, true]);
  await studio.worker.start();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, prompt.sources[0].imageId], ["COMPLETED", source]);
  assert.equal(standIn.submitted[0].edit?.sources.length, 1);
  assert.ok(standIn.submitted[0].edit!.sources[0].bytes.length > 0);
  assert.equal(await empty(studio), 1);
  assert.deepEqual(await areThere(studio, bytes), [false, false]);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("a source that is deleted goes once the prompt that had it is cancelled", async () => {
  const { studio, program, source, promptId } = await setScene();
  await using _ = studio;
  assert.equal(await empty(studio), 0);
  assert.equal(await statusOf(program.post(`/api/v1/prompts/${promptId}/cancel`)), 200);
  assert.equal(await empty(studio), 1);
  assert.deepEqual(await areThere(studio, [blobKeys.picture(source)]), [false]);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("what was made from a deleted picture says so on its page, and is still there", async () => {
  const { studio, program, source, promptId } = await setScene();
  await using _ = studio;
  await studio.worker.start();
  const { images: [{ id }] } = await finished(program, promptId);
  await empty(studio);
  const person = await studio.withSession();
  const page = await (await person.get(`/images/${id}`)).text();
  const [family] = /<section class="family".*?<\/section>/s.exec(page)!;
  for (const shown of [family, await (await person.get(`/images/${id}/lineage`)).text()]) {
    assert.match(shown, /a deleted picture/);
    assert.doesNotMatch(shown, new RegExp(`href="/images/${source}"`));
  }
  const { root, nodes } = await lineage(program, id);
  assert.deepEqual([root, nodes[0].id, nodes[0].isDeleted, nodes[0].text], [source, source, true, null]);
});

async function lineage(client: Client, id: string) {
  return await (await client.get(`/api/v1/images/${id}/lineage`)).json();
}
