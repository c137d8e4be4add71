/** The request of the form, as a line for a shell, follows what is typed and chosen. */
import assert from "node:assert/strict";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

browserTest("the line for a shell follows the form, and can be copied", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}/generator?prompt=it%27s+a+lighthouse&seed=7`);
  const body = async () => {
    const command = await page.locator("#curl").textContent();
    return JSON.parse(/-d '([^]*)'$/.exec(command!)![1].replaceAll(`'\\''`, "'"));
  };
  const first = await body();
  assert.deepEqual([first.prompt, first.seed], ["it's a lighthouse", 7]);
  await page.click("#as-curl summary");
  assert.deepEqual(await body(), first, "the script says the same as the server");
  await page.fill("#prompt", "a fox's\nden");
  assert.equal((await body()).prompt, "a fox's\nden");
  await page.locator("label.choice", { hasText: /^4$/ }).click();
  await page.waitForFunction(`document.getElementById("curl").textContent.includes('"count": 4')`);
  assert.ok(await page.locator("#as-curl [data-copy]").isVisible());
  await checkLooks(page, "generator as curl");
});
