import assert from "node:assert/strict";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

browserTest("axe finds nothing on the pages of links, for their owners and for strangers", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using owner = await openVisitor(server.url, { bypassCSP: true });
  await using guest = await openVisitor(server.url, { bypassCSP: true });
  const { page } = owner;
  await page.goto(server.signInUrl);
  for (const text of ["a lighthouse, wide", "unbreakable".repeat(20)]) {
    await page.fill("#prompt", text);
    await page.click("#generate");
    await page.locator('article.card[data-status="COMPLETED"]', { hasText: text }).first().waitFor();
  }
  const answer = await page.request.get(`${server.url}/api/v1/images`);
  const ids: string[] = (await answer.json()).images.map(({ imageId }: { imageId: string }) => imageId);
  const share = async (data: object) => {
    const headers = { Origin: server.url };
    const made = await page.request.post(`${server.url}/api/v1/shares`, { data, headers });
    assert.equal(made.status(), 201);
    const { id, url } = (await made.json()).share;
    return { id, path: new URL(url).pathname };
  };
  const terms = { showPrompt: true, allowOriginal: true, allowRemix: true, note: "unbreakable".repeat(40) };
  const one = await share({ imageIds: ids.slice(0, 1), ...terms });
  const all = await share({ imageIds: ids, ...terms });
  const locked = await share({ imageIds: ids, password: "correct horse" });
  const choosing = `/shares/new?${ids.map((id) => `image=${id}`).join("&")}`;
  const remix = `/shares/remix?link=${one.path.slice("/s/".length)}&number=1`;
  for (const path of ["/shares", choosing, `/shares/${one.id}`, `/shares/${locked.id}`, remix]) {
    await page.goto(server.url + path);
    await checkLooks(page, path);
  }
  for (const path of [one.path, all.path, `${all.path}/1`, locked.path, `${one.path}/report`, "/s/nothing"]) {
    await guest.page.goto(server.url + path);
    await checkLooks(guest.page, path);
  }
  // Whoever gives the password sees the pictures, and the page says at once that its owner has ended it.
  await guest.page.goto(server.url + locked.path);
  await guest.page.fill("#password", "correct horse");
  await guest.page.getByRole("button", { name: "Open" }).click();
  await guest.page.locator(".wall img").first().waitFor();
  await page.goto(`${server.url}/shares/${locked.id}`);
  await page.getByRole("button", { name: "End now" }).click();
  await guest.page.getByText("This link does not exist or has ended").waitFor();
});
