import assert from "node:assert/strict";
import sharp from "sharp";
import { webpWithin } from "../../../lib/pixels/webp_within.ts";

function noise(width: number, height: number): Promise<Uint8Array> {
  const gaussian = { type: "gaussian" as const, mean: 128, sigma: 90 };
  return sharp({ create: { width, height, channels: 3, background: "#777", noise: gaussian } })
    .webp({ quality: 80 }).toBuffer();
}

Deno.test("a picture that fits stays as it is, and any other becomes a smaller one of the same shape", async () => {
  const picture = await noise(640, 960);
  assert.equal(await webpWithin(picture, picture.length), picture);
  for (const most of [picture.length - 1, 100_000, 30_000, 10_000]) {
    const small = await webpWithin(picture, most);
    assert.ok(small.length <= most, `${small.length} for ${most}`);
    const { format, width, height } = await sharp(small).metadata();
    assert.deepEqual([format, Math.round(100 * width / height)], ["webp", 67]);
  }
});
