import assert from "node:assert/strict";
import {
  type AddressedPicture,
  addressLifeMs,
  readPictureToken,
  signPicture,
} from "../../../lib/images/picture_addresses.ts";
import { createSourceAddresses } from "../../../lib/catalog/source_addresses.ts";
import { createIds } from "../../../lib/ids.ts";

const secret = "a secret of the tests, 32 bytes long";

Deno.test("an address of a picture names it for an hour, and then nothing", () => {
  let at = 1_790_000_000_000;
  const signing = { secret, now: () => at };
  const imageId = createIds(signing.now)();
  const pictures: AddressedPicture[] = [
    { imageId, format: null, quality: null },
    { imageId, format: "webp", quality: 80 },
    { imageId, format: "png", quality: null },
  ];
  const tokens = pictures.map((picture) => signPicture(picture, signing));
  at += addressLifeMs - 1;
  assert.deepEqual(tokens.map((token) => readPictureToken(token, signing)), pictures);
  at += 1;
  assert.deepEqual(tokens.map((token) => readPictureToken(token, signing)), [null, null, null]);
});

Deno.test("an address that was changed, is of another secret, or was made for something else names nothing", async () => {
  const at = 1_790_000_000_000;
  const signing = { secret, now: () => at };
  const ids = createIds(signing.now);
  const imageId = ids();
  const token = signPicture({ imageId, format: null, quality: null }, signing);
  const [, , , until, signature] = token.split(".");
  const sources = createSourceAddresses({
    ...signing,
    publicUrl: "https://darkroom.example",
    obstacle: null,
    outbox: null,
  });
  const offered = await sources.offer({ promptId: imageId, task: 0, source: 0 }, {
    bytes: new Uint8Array(1),
    contentType: "image/png",
  });
  const forged = [
    token.replace(imageId, ids()),
    token.replace("stored", "png"),
    token.replace("usual", "50"),
    token.replace(until, String(Number(until) + 1)),
    `${imageId}.stored.usual.9999999999999.${signature}`,
    `${token}x`,
    token.slice(0, -1),
    `${imageId}.stored.usual.${until}.`,
    offered.split("/").at(-1)!.replace(".png", ""),
    signPicture({ imageId, format: null, quality: null }, { ...signing, secret: `${secret}, another` }),
    "",
    "....",
    "\u{1f98a}",
  ];
  for (const each of forged) assert.equal(readPictureToken(each, signing), null, each);
  assert.notEqual(readPictureToken(token, signing), null);
});
