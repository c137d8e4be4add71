import assert from "node:assert/strict";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("robots leave shares alone, but for those that fetch the card of a link which somebody sent", async () => {
  await using studio = await createStudio({ isWorking: false });
  const answer = await studio.fetch("/robots.txt");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type")!, /^text\/plain/);
  const [previews, others] = (await answer.text()).split("\n\n");
  assert.match(previews, /^User-agent: Twitterbot$/m);
  assert.match(previews, /^Allow: \/s\/$/m);
  assert.equal(others, "User-agent: *\nDisallow: /s/\n");
});
