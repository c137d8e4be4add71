/** The places of the site and the person's menu, on wide and narrow screens. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openMenu, openVisitor } from "../fixtures/browser.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

async function boxOf(page: Page, selector: string): Promise<Box> {
  const box = await page.locator(selector).boundingBox();
  assert.ok(box !== null, selector);
  return box;
}

function scrollTo(page: Page, top: number): Promise<unknown> {
  return page.evaluate(`scrollTo({ top: ${top}, behavior: "instant" })`);
}

browserTest(
  "on a phone the head is one row, and the bar of places covers neither button nor end",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url, { viewport: { width: 360, height: 640 } });
    const { page } = visitor;
    await page.goto(server.signInUrl);
    const head = await boxOf(page, ".top");
    const brand = await boxOf(page, ".brand");
    const person = await boxOf(page, ".menu > summary");
    assert.ok(head.height <= 56, `the head is ${head.height} px high`);
    assert.equal(Math.round(brand.y + brand.height / 2), Math.round(person.y + person.height / 2));
    const end = Number(await page.evaluate("document.documentElement.scrollHeight"));
    for (let top = 0; top < end; top += 160) {
      await scrollTo(page, top);
      const bar = await boxOf(page, "nav[aria-label=Pages]");
      assert.deepEqual([bar.x, bar.y, bar.width, bar.height], [0, 592, 360, 48]);
      const button = await boxOf(page, "#generate");
      assert.ok(
        button.y + button.height <= bar.y,
        `at ${top} the button ends at ${button.y + button.height}`,
      );
    }
    await scrollTo(page, end);
    const last = await boxOf(page, "main > :visible >> nth=-1");
    assert.ok(last.y + last.height <= 592);
    const places = page.locator("nav[aria-label=Pages] > :visible");
    assert.deepEqual(await places.allInnerTexts(), ["Generate", "Gallery", "Boards", "Queue", "More"]);
    for (const place of await places.all()) {
      const { width, height } = (await place.boundingBox())!;
      assert.deepEqual([Math.round(width), height >= 47], [72, true]);
    }
  },
);

for (const javaScriptEnabled of [true, false]) {
  browserTest(
    `the person's menu opens and signs out, ${javaScriptEnabled ? "with" : "without"} scripts`,
    async () => {
      await using folder = await temporaryFolder();
      await using server = await startServer({ dataDir: folder.path });
      await using visitor = await openVisitor(server.url, { javaScriptEnabled });
      const { page } = visitor;
      await page.goto(server.signInUrl);
      await page.goto(`${server.url}/gallery`);
      assert.equal(await page.getByRole("button", { name: "Sign out" }).isVisible(), false);
      await openMenu(page);
      await page.getByRole("link", { name: "API keys" }).click();
      assert.equal(page.url(), `${server.url}/profile#keys`);
      await openMenu(page);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL("**/login");
    },
  );
}

browserTest("the menu closes by Escape, by a click beside it, and when focus leaves it", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  const button = page.getByRole("button", { name: "Sign out" });
  await page.locator(".menu > summary").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "History");
  await page.keyboard.press("Escape");
  await button.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate("document.activeElement.tagName"), "SUMMARY");
  await openMenu(page);
  await page.locator("h1").click();
  await button.waitFor({ state: "hidden" });
  await openMenu(page);
  await page.locator("#prompt").focus();
  await button.waitFor({ state: "hidden" });
});
