import assert from "node:assert/strict";
import sharp from "sharp";
import { savePortrait } from "../../../lib/accounts/portrait.ts";
import { readPortrait } from "../../../lib/accounts/read_portrait.ts";
import { createTestStore, createTestUser } from "../../fixtures/store.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

Deno.test("a portrait is kept small, whatever came; without one there is none", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  assert.equal(await readPortrait(store, userId), null);
  await savePortrait(store, { userId, bytes: await picture(1024, 1024) });
  const portrait = await readPortrait(store, userId);
  const { format, width } = await sharp(portrait!.bytes).metadata();
  assert.deepEqual([format, width, portrait!.contentType], ["webp", 128, "image/webp"]);
});

Deno.test("nothing of where and with what a portrait was taken is kept", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const bytes = await sharp(await picture(512, 512))
    .withExif({
      IFD0: { Make: "Camera of Ada" },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 31/1 0/1" },
    })
    .withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>Camera of Ada</x:xmpmeta>").jpeg().toBuffer();
  assert.ok((await sharp(bytes).metadata()).exif !== undefined);
  await savePortrait(store, { userId, bytes });
  const portrait = (await readPortrait(store, userId))!;
  const { exif, xmp, iptc } = await sharp(portrait.bytes).metadata();
  assert.deepEqual([exif, xmp, iptc], [undefined, undefined, undefined]);
});

Deno.test("bytes that are no picture replace no portrait", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  await savePortrait(store, { userId, bytes: await picture(512, 512) });
  const before = await readPortrait(store, userId);
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="9" height="9"/></svg>`;
  const plain = sharp({ create: { width: 64, height: 64, channels: 3, background: "#fff" } });
  const others = [
    new TextEncoder().encode("nothing"),
    new TextEncoder().encode(svg),
    ...await Promise.all([plain.clone().tiff().toBuffer(), plain.clone().gif().toBuffer()]),
    await plain.avif().toBuffer(),
  ];
  for (const bytes of others) await assert.rejects(savePortrait(store, { userId, bytes }));
  assert.deepEqual(await readPortrait(store, userId), before);
});
