import assert from "node:assert/strict";
import { Thumbnail } from "../../../views/images/picture.tsx";

const image = { id: "i", width: 300, height: 200 };

Deno.test("a picture has sixteen colours of its own behind it before its bytes are there", () => {
  const tint = Array.from({ length: 16 }, (_, i) => (i * 0x10_0f01).toString(16).padStart(6, "0"));
  const html = String(<Thumbnail image={{ ...image, tint: tint.join("") }} text="sea" />);
  const rects = [...html.matchAll(/<rect x="(\d)" y="(\d)" width="1" height="1" fill="#(\w{6})"/g)];
  assert.deepEqual(
    rects.map(([, x, y, fill]) => [Number(x), Number(y), fill]),
    tint.map((colour, i) => [
      i % 4,
      Math.floor(i / 4),
      colour,
    ]),
  );
  assert.match(html, /<svg class="tint"[^>]* aria-hidden="true">/);
  assert.ok(html.indexOf("<svg") < html.indexOf("<img"));
  assert.doesNotMatch(html, /style=/);
});

Deno.test("a picture without known colours has a plain place in its own shape", () => {
  for (const tint of [null, undefined, ""]) {
    const html = String(<Thumbnail image={{ ...image, tint }} text="sea" />);
    assert.match(html, /^<span class="picture"><img [^>]*width="300" height="200" alt="sea"/);
  }
});
