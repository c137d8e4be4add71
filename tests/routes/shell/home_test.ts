import assert from "node:assert/strict";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("the front page shows three pictures, small and kept for ever, and each begins a prompt", async () => {
  await using studio = await createStudio();
  const page = await (await studio.fetch("/")).text();
  const paintings = [...page.matchAll(/<a href="([^"]+)"[^>]*><img src="([^"]+)" width="480" height="600"/g)];
  assert.equal(paintings.length, 3);
  let total = 0;
  for (const [, link, path] of paintings) {
    assert.match(link, /^\/generator\?prompt=\w/);
    const answer = await studio.fetch(path);
    assert.equal(answer.headers.get("Content-Type"), "image/webp");
    assert.match(answer.headers.get("Cache-Control")!, /immutable/);
    const bytes = await answer.bytes();
    assert.deepEqual(new TextDecoder().decode(bytes.slice(8, 12)), "WEBP");
    total += bytes.length;
  }
  assert.ok(total < 60_000, `${total} bytes`);
});
