import assert from "node:assert/strict";
import sharp from "sharp";
import { readPortrait, savePortrait } from "../../../lib/users/portrait.ts";
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

Deno.test("bytes that are no picture replace no portrait", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  await savePortrait(store, { userId, bytes: await picture(512, 512) });
  const before = await readPortrait(store, userId);
  await assert.rejects(savePortrait(store, { userId, bytes: new TextEncoder().encode("<svg/>") }));
  assert.deepEqual(await readPortrait(store, userId), before);
});
