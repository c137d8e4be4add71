/** Scripts and styles as they travel. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { assets } from "../../../views/shell/assets.ts";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("who takes gzip alone gets scripts as small as it makes them", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { path, body } = assets.maskEditor;
  const get = (encodings: string) => studio.fetch(path, { headers: { "Accept-Encoding": encodings } });
  for (const encodings of ["gzip", "gzip, deflate", "deflate, GZIP;q=0.5", "br;q=0, gzip"]) {
    const answer = await get(encodings);
    const headers = ["Content-Encoding", "Vary"].map((name) => answer.headers.get(name));
    assert.deepEqual(headers, ["gzip", "Accept-Encoding"], encodings);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    assert.ok(bytes.length <= 14_000, String(bytes.length));
    assert.equal(gunzipSync(bytes).toString(), body);
  }
  for (const encodings of ["", "identity", "gzip;q=0", "gzip, br", "deflate"]) {
    const answer = await get(encodings);
    assert.equal(answer.headers.get("Content-Encoding"), null, encodings);
    assert.equal(await answer.text(), body);
  }
});
