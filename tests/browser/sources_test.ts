/** Pictures given along in the generator: chosen, pasted, dropped, or sent without script; and where they lead. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

async function photo(name: string, background: string) {
  const image = sharp({ create: { width: 90, height: 60, channels: 3, background } });
  return { name: `${name}.png`, mimeType: "image/png", buffer: await image.png().toBuffer() };
}

/** Files come from elsewhere, as a clipboard or another window gives them. */
async function bring(
  page: Page,
  kind: "paste" | "drop",
  [selector, bytes]: [string, Uint8Array],
): Promise<void> {
  await page.evaluate(`(() => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(${
    JSON.stringify([...bytes])
  })], "${kind}.png", { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    const event = "${kind}" === "paste"
      ? new ClipboardEvent("paste", { ...options, clipboardData: files })
      : new DragEvent("drop", { ...options, dataTransfer: files });
    document.querySelector("${selector}").dispatchEvent(event);
  })()`);
}

const names = (page: Page) =>
  page.locator("#sources .thumb img").evaluateAll((all) => all.map((each) => each.getAttribute("alt")));
const roles = (page: Page) =>
  page.locator("#sources select").evaluateAll((all) =>
    all.map((each) => (each as unknown as { value: string }).value)
  );
const shows = (page: Page, count: number) =>
  page.locator(`#sources li:nth-child(${count}):last-child`).waitFor();

browserTest(
  "pictures are chosen, pasted and dropped as sources, and what comes of them leads back",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url, { bypassCSP: true });
    const { page } = visitor;
    await page.goto(server.signInUrl);
    await page.goto(`${server.url}/generator`);
    await page.fill("#prompt", "make it night");
    await page.setInputFiles("#upload", [await photo("one", "#7a9")]);
    await shows(page, 1);
    await bring(page, "paste", ["#prompt", (await photo("", "#a55")).buffer]);
    await shows(page, 2);
    await bring(page, "drop", ["#sources", (await photo("", "#369")).buffer]);
    await shows(page, 3);
    assert.deepEqual([await names(page), await roles(page)], [
      ["one", "paste", "drop"],
      ["base", "reference", "reference"],
    ]);
    assert.equal(await page.locator("[name=imageSize]:checked").getAttribute("value"), "");
    await page.getByRole("button", { name: "Put first: drop" }).click();
    await page.locator("#sources li:first-child img[alt=drop]").waitFor();
    await page.getByRole("button", { name: "Remove paste" }).click();
    await shows(page, 2);
    await page.locator("#sources select").nth(1).selectOption("base");
    await page.locator("#sources select").nth(0).and(page.locator(":has(option[value=reference]:checked)"))
      .waitFor();
    assert.deepEqual([await names(page), await roles(page)], [["drop", "one"], ["reference", "base"]]);
    await page.setInputFiles("#upload", [{
      name: "words.png",
      mimeType: "image/png",
      buffer: Buffer.alloc(9),
    }]);
    await page.locator("#problem [role=alert]", { hasText: "words.png" }).waitFor();
    assert.equal(await page.inputValue("#prompt"), "make it night");
    await checkLooks(page, "generator with sources");
    await page.click("#generate");
    const card = page.locator('article.card[data-status="COMPLETED"]').first();
    await card.waitFor();
    assert.equal(
      await card.locator(".before img").getAttribute("src"),
      await page.locator("#sources li:nth-child(2) img").getAttribute("src"),
    );
    await card.locator("a.frame").click();
    await page.locator(".family .line li").nth(1).waitFor();
    await checkLooks(page, "picture with a line");
    await page.getByRole("link", { name: "Show all of it" }).click();
    await page.locator(".lineage .lineage [aria-current=page]").waitFor();
    await checkLooks(page, "lineage");
    await page.goto(`${server.url}/gallery?kind=upload`);
    assert.equal(await page.locator("#gallery .tile").count(), 3);
    await checkLooks(page, "uploads");
    assert.deepEqual(visitor.complaints.filter((each) => !each.includes("415")), []);
  },
);

browserTest(
  "a picture is taken also after one that something on the way refused in its own words",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url);
    const { page } = visitor;
    await page.goto(server.signInUrl);
    await page.goto(`${server.url}/generator`);
    await page.route(
      "**/api/v1/uploads",
      (route) => route.fulfill({ status: 413, body: "<h1>Too large</h1>" }),
      {
        times: 1,
      },
    );
    await page.setInputFiles("#upload", await photo("one", "#7a9"));
    await page.locator("#problem", { hasText: "one.png could not be sent" }).waitFor();
    await page.setInputFiles("#upload", await photo("two", "#a55"));
    await page.locator("#sources .given > li").waitFor();
    assert.equal(await page.locator("#problem").innerText(), "");
  },
);

browserTest(
  "without script a picture is sent with the form, and its line shows where it came from",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url, { javaScriptEnabled: false });
    const { page } = visitor;
    await page.goto(server.signInUrl);
    await page.goto(`${server.url}/generator`);
    await page.fill("#prompt", "make it night");
    await page.setInputFiles("#upload", [await photo("one", "#7a9"), await photo("two", "#a55")]);
    await page.click("#generate");
    const card = page.locator('article.card[data-status="COMPLETED"]').first();
    for (let i = 0; i < 50 && await card.count() === 0; i++) await page.goto(`${server.url}/generator`);
    await card.locator("a.frame").click();
    assert.match(await page.locator(".family").innerText(), /make it night[\s\S]*over 1 prompt/);
    await page.getByRole("link", { name: "Show all of it" }).click();
    assert.match(
      await page.locator("ul.lineage").first().innerText(),
      /one[\s\S]*make it night[\s\S]*two as reference/,
    );
  },
);
