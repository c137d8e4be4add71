/** What a card shows while its picture develops, when pictures come late or not at all. */
import assert from "node:assert/strict";
import type { Page, Route } from "playwright-core";
import sharp from "sharp";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

const previews = /\/prompts\/[^/]+\/preview/;
const finished = /\/file\?width=640/;

/** Requests for pictures are answered by this, until the end of the test. */
async function routePictures(page: Page, answer: (route: Route) => Promise<void>): Promise<AsyncDisposable> {
  await page.route(previews, answer);
  await page.route(finished, answer);
  return { [Symbol.asyncDispose]: () => page.unrouteAll({ behavior: "ignoreErrors" }) };
}

async function send(page: Page, signInUrl: string): Promise<void> {
  await page.goto(signInUrl);
  await page.fill("#prompt", "a sailboat on a lake at sunset");
  // First previews are pale, of some seeds nearly of one tone.
  await page.locator("input[name=seed]").evaluate((seed: { value: string }) => seed.value = "7");
  await page.check('input[name=imageSize][value="512x512"]');
  await page.locator('input[name=imageSize][value="512x512"][checked]').waitFor({ state: "attached" });
  await page.click("#generate");
}

/** Once a picture is shown, each frame that is drawn without a whole one is written down. */
async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(`
    globalThis.blank = [];
    globalThis.sources = new Set();
    let hasBegun = false;
    const look = () => {
      const frame = document.querySelector("article.card .frame");
      const held = frame?.querySelector("canvas.held") ?? null;
      const image = frame?.querySelector("img") ?? null;
      const isWhole = image !== null && image.complete && image.naturalWidth > 0;
      const isCovered = held !== null && getComputedStyle(held).opacity === "1";
      if (isWhole && !isCovered) globalThis.sources.add(image.getAttribute("src"));
      hasBegun ||= isWhole;
      if (hasBegun && !isWhole && !isCovered) globalThis.blank.push(frame.outerHTML);
      requestAnimationFrame(look);
    };
    look();
  `);
}

/** What stands below the pictures, where not all of it is seen, beside a model whose name is a long one. */
async function cutOff(page: Page): Promise<string[]> {
  return await page.evaluate(`
    const facts = document.querySelector("article.card .facts");
    facts.firstElementChild.textContent = "black-forest-labs/flux-schnell";
    const { left, right, bottom } = facts.getBoundingClientRect();
    [...facts.children].filter((each) => {
      const seen = each.getBoundingClientRect();
      const isWithin = seen.left >= left && seen.right <= right + 1 && seen.bottom <= bottom + 1;
      return !isWithin || each.scrollWidth > each.clientWidth + 1;
    }).map((each) => each.textContent);
  `) as string[];
}

/** How much the tones of what is seen in the card differ; an empty sheet has one. */
async function contrast(page: Page): Promise<number> {
  const screenshot = await page.locator("article.card .frame").screenshot();
  const { channels } = await sharp(screenshot).stats();
  return Math.max(...channels.map(({ stdev }) => stdev));
}

browserTest("what is shown stays until what replaces it has been decoded", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "250" } });
  await using visitor = await openVisitor(server.url);
  const { page, complaints } = visitor;
  let isLate = false;
  await using _late = await routePictures(page, async (route) => {
    if (isLate) await page.waitForTimeout(700);
    await route.continue();
  });
  await send(page, server.signInUrl);
  await page.locator("article.card .frame img").waitFor();
  await page.setViewportSize({ width: 360, height: 740 });
  assert.deepEqual(await cutOff(page), []);
  await page.setViewportSize({ width: 1280, height: 800 });
  await watchFrames(page);
  isLate = true;
  await page.locator('article.card[data-status="COMPLETED"]').waitFor({ timeout: 20_000 });
  // The first preview, which is pale.
  assert.ok(await contrast(page) > 4);
  await page.locator("canvas.held").waitFor({ state: "detached" });
  assert.ok(await contrast(page) > 20);
  const alt = await page.locator("article.card .frame img").getAttribute("alt");
  assert.equal(alt, "a sailboat on a lake at sunset");
  const { blank, sources } = await page.evaluate("({ blank, sources: [...sources] })") as {
    blank: string[];
    sources: string[];
  };
  assert.deepEqual(blank, []);
  assert.match(sources.at(-1)!, finished);
  assert.match(sources[0], previews);
  assert.deepEqual(complaints, []);
});

browserTest(
  "a preview that never comes leaves the one before, a picture that never comes says so",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "250" } });
    await using visitor = await openVisitor(server.url);
    const { page } = visitor;
    let isBroken = false;
    const refuse = (route: Route) => isBroken ? route.abort() : route.continue();
    await page.route(previews, refuse);
    await page.route(finished, refuse);
    await send(page, server.signInUrl);
    await page.locator("article.card .frame img").waitFor();
    await watchFrames(page);
    isBroken = true;
    await page.locator("article.card .frame.developing canvas.held").waitFor();
    await page.locator('article.card[data-status="COMPLETED"]').waitFor({ timeout: 20_000 });
    await page.locator("canvas.held").waitFor({ state: "detached" });
    const image = page.locator("article.card .frame img");
    assert.equal(await image.count(), 1);
    assert.equal(await page.evaluate(`document.querySelector("article.card .frame img").naturalWidth`), 0);
    assert.equal(await image.getAttribute("alt"), "a sailboat on a lake at sunset");
  },
);

browserTest(
  "of several quick changes the last one is shown, and nothing fades for readers who want it still",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "60" } });
    await using visitor = await openVisitor(server.url, { reducedMotion: "reduce" });
    const { page, complaints } = visitor;
    const waiting: Route[] = [];
    let isHeld = false;
    await page.route(previews, async (route) => {
      if (isHeld) waiting.push(route);
      else await route.continue();
    });
    await send(page, server.signInUrl);
    await page.locator("article.card .frame img").waitFor();
    await watchFrames(page);
    isHeld = true;
    await page.locator('article.card[data-status="COMPLETED"]').waitFor({ timeout: 20_000 });
    await page.locator("canvas.held").waitFor({ state: "detached" });
    assert.ok(waiting.length > 0);
    for (const route of waiting.toReversed()) await route.abort();
    assert.match((await page.locator("article.card .frame img").getAttribute("src"))!, finished);
    assert.deepEqual(await page.evaluate("blank"), []);
    assert.equal(await page.evaluate("document.getAnimations().length"), 0);
    assert.ok(await contrast(page) > 20);
    assert.deepEqual(complaints.filter((text) => !text.includes("ERR_FAILED")), []);
  },
);
