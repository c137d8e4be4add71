import assert from "node:assert/strict";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("the keys that lead to pages are listed as the links of the navigation carry them", async () => {
  await using studio = await createStudio();
  const page = await (await (await studio.withSession()).get("/dashboard")).text();
  const links = [...page.matchAll(/<a href="([^"]+)" data-key="(\w)"/g)].map(([, href, key]) => [key, href]);
  assert.deepEqual(Object.fromEntries(links), {
    d: "/dashboard",
    n: "/generator",
    a: "/gallery",
    b: "/boards",
    m: "/batches",
    q: "/queue",
    h: "/prompts",
    p: "/profile",
  });
  const dialog = /<dialog id="shortcuts".*?<\/dialog>/s.exec(page)![0];
  const listed = [...dialog.matchAll(/<kbd>g<\/kbd><kbd>(\w)<\/kbd>/g)].map(([, key]) => key);
  assert.deepEqual(listed, links.map(([key]) => key));
});

Deno.test("who is not signed in has no keys that lead nowhere", async () => {
  await using studio = await createStudio();
  for (const path of ["/", "/login", "/api", "/nothing"]) {
    assert.doesNotMatch(await (await studio.fetch(path)).text(), /data-key|id="shortcuts"/, path);
  }
});
