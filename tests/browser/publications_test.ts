/** The public gallery and its moderation, as people use them. */
import assert from "node:assert/strict";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  browserTest(
    `a picture is published, kept by a moderator, seen and reported by a stranger ${how} scripts`,
    async () => {
      await using folder = await temporaryFolder();
      await using server = await startServer({ dataDir: folder.path, env: { PUBLIC_GALLERY: "review" } });
      await using visitor = await openVisitor(server.url, { bypassCSP: true, javaScriptEnabled });
      await using stranger = await openVisitor(server.url, { bypassCSP: true, javaScriptEnabled });
      const { page } = visitor;
      const look = (name: string, by = page) => javaScriptEnabled ? checkLooks(by, name) : Promise.resolve();
      await page.goto(server.signInUrl);
      const headers = { Origin: server.url };
      const made = await page.request.post(`${server.url}/api/v1/images/generate`, {
        headers,
        data: { prompt: "a fox at dusk", imageSize: "512x512" },
      });
      const { images: [{ id }] } = await made.json();
      await page.goto(`${server.url}/images/${id}`);
      await page.locator("details.publish > summary").click();
      await look("a picture to be published");
      await page.locator("details.publish").getByLabel("Title").fill("Fox ".repeat(29));
      await page.getByLabel("Show the prompt").check();
      await page.getByLabel("Let others remix").check();
      await page.getByRole("button", { name: "Publish", exact: true }).click();
      await page.getByText("A moderator looks at it first").waitFor();
      const address = page.url();
      assert.equal((await stranger.page.goto(address))?.status(), 404);

      await page.goto(`${server.url}/admin/moderation`);
      await look("moderating not begun");
      await page.getByRole("button", { name: "Start moderating" }).click();
      await look("moderating");
      if (javaScriptEnabled) {
        await page.keyboard.press("o");
        assert.equal(await page.locator("details.covered[open]").count(), 1);
        await look("moderating, opened");
        await page.keyboard.press("s");
        await page.getByText("marked as sensitive").waitFor();
        await page.keyboard.press("k");
      } else await page.getByRole("button", { name: "Keep" }).click();
      await page.getByText("Nothing waits").waitFor();

      await stranger.page.goto(`${server.url}/explore`);
      await look("explore", stranger.page);
      await stranger.page.getByRole("link", { name: /^Fox/ }).last().click();
      await until(() => Promise.resolve(stranger.page.url()), (url) => url === address);
      if (javaScriptEnabled) {
        await stranger.page.locator("details.covered > summary").click();
        await stranger.page.getByRole("img", { name: /^Fox/ }).waitFor();
      }
      await look("a publication", stranger.page);
      await stranger.page.getByRole("link", { name: "Report" }).click();
      await look("reporting", stranger.page);
      await stranger.page.getByLabel("It is spam").check();
      await stranger.page.getByRole("button", { name: "Report" }).click();
      await stranger.page.getByText("It is reported").waitFor();
      await look("reported", stranger.page);

      await page.goto(`${server.url}/published`);
      await page.locator("details", { hasText: "Change" }).first().locator("summary").click();
      await look("published");
      await page.locator("details.delete > summary").click();
      await page.getByRole("button", { name: "Withdraw it" }).click();
      await page.getByText("It is withdrawn").waitFor();
      assert.equal((await stranger.page.goto(address))?.status(), 404);
    },
  );
}
