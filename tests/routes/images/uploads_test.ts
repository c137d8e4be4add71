/** Pictures that are sent: kept upright and bare, once, within what a person may keep, and given back by deletion. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { type Client, createStudio } from "../../fixtures/studio.ts";

Deno.test("a picture that is sent is kept once, upright and without what the camera wrote", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const photo = await sharp({ create: { width: 60, height: 40, channels: 3, background: "#369" } })
    .withExif({ IFD0: { Make: "A camera" }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
    .withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const first = await send(program, photo);
  assert.equal(first.status, 201);
  const { image } = await first.json();
  assert.deepEqual([image.kind, image.width, image.height, image.title], ["upload", 40, 60, "photo"]);
  assert.deepEqual([image.promptId, image.model, image.cost, image.parents], [null, null, 0, []]);
  const again = await send(program, photo);
  assert.deepEqual([again.status, (await again.json()).image.id], [200, image.id]);
  const file = await program.get(`/api/v1/images/${image.id}/file`);
  const kept = await sharp(await file.arrayBuffer()).metadata();
  assert.deepEqual([kept.width, kept.height, kept.exif, kept.orientation], [40, 60, undefined, undefined]);
});

Deno.test("uploads stand in a list of their own, and masks beside them", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: "#369" } }).png()
    .toBuffer();
  const { image } = await (await send(program, png)).json();
  const shapes = [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }];
  const made = await program.post("/api/v1/masks", { image: image.id, shapes });
  assert.equal(made.status, 201);
  const { mask } = await made.json();
  assert.equal(mask.share, 0.5);
  const file = await program.get(`/api/v1/masks/${mask.id}/file`);
  assert.equal(file.headers.get("Content-Type"), "image/png");
  const { data } = await sharp(await file.arrayBuffer()).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([data[0], data.at(-1)], [0, 255]);
});

function send(program: Client, bytes: Uint8Array, name = "photo.jpg") {
  const form = new FormData();
  form.set("file", new File([bytes as Uint8Array<ArrayBuffer>], name));
  return program.send("/api/v1/uploads", form);
}
