import assert from "node:assert/strict";
import type { Page, Request } from "playwright-core";
import { startNanobanana } from "../stand_ins/nanobanana.ts";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { checkLooks, violations } from "../fixtures/looks.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";

async function sendPrompt(page: Page, server: Server, text: string, status: string): Promise<void> {
  await page.goto(`${server.url}/generator`);
  await page.fill("#prompt", text);
  await page.click("#generate");
  await page.locator(`article.card[data-status="${status}"]`, { hasText: text }).first().waitFor();
}

async function checkAllPages(page: Page, server: Server, state: string): Promise<void> {
  const image = await page.request.get(`${server.url}/api/v1/images?limit=2`);
  const [newest, other] = (await image.json()).images;
  const paths = [
    "/dashboard",
    "/generator",
    "/gallery",
    "/gallery?q=nothing-like-this&cost=paid",
    "/prompts",
    "/queue",
    "/profile",
    "/admin",
    "/nowhere",
    "/admin/spend",
    "/usage",
    "/admin/analytics",
    "/admin/prices",
    "/admin/providers",
    "/admin/storage",
    "/leaving",
    "/admin/queue",
    ...newest ? [`/images/${newest.imageId}`] : [],
    ...other ? [`/compare?images=${newest.imageId},${other.imageId}`] : [],
  ];
  for (const path of paths) {
    await page.goto(server.url + path);
    await checkLooks(page, `${state} ${path}`);
  }
}

browserTest("axe finds nothing on any page, in any look, empty, busy, cancelled and full", async () => {
  await using folder = await temporaryFolder();
  await using visitor = await openVisitor("http://localhost", { bypassCSP: true });
  const { page } = visitor;
  {
    await using server = await startServer({ dataDir: folder.path });
    await page.goto(`${server.url}/login`);
    assert.deepEqual(await violations(page), []);
    await page.goto(server.url);
    assert.deepEqual(await violations(page), []);
    await page.goto(server.signInUrl);
    await checkAllPages(page, server, "empty");
    await sendPrompt(
      page,
      server,
      "a quiet forest in fog, pastel, with a very long name ".repeat(8),
      "COMPLETED",
    );
    await sendPrompt(page, server, "unbreakable".repeat(20), "COMPLETED");
    await checkAllPages(page, server, "full");
  }
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "60000" } });
  await page.goto(server.signInUrl);
  for (let i = 0; i < 5; i++) await sendPrompt(page, server, `busy ${i}`, i < 4 ? "PROCESSING" : "PENDING");
  await page.locator("article.card", { hasText: "busy 0" }).getByRole("button", { name: "Cancel" }).click();
  await page.locator('article.card[data-status="CANCELLED"]').waitFor();
  await checkAllPages(page, server, "busy");
});

browserTest("the reference of the API is read by anybody, in any look, and leads to each call", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor("http://localhost", { bypassCSP: true });
  const { page } = visitor;
  await page.goto(`${server.url}/api`);
  await checkLooks(page, "/api");
  await page.locator(".reference-contents summary", { hasText: "Batches" }).click();
  await page.getByRole("link", { name: "Pause a batch" }).first().click();
  assert.equal(new URL(page.url()).hash, "#postBatchesIdPause");
  await page.getByRole("heading", { name: "Pause a batch" }).waitFor();
});

browserTest("axe finds nothing where things failed and are in doubt, in any look", async () => {
  await using folder = await temporaryFolder();
  await using api = await startNanobanana();
  await using server = await startServer({
    dataDir: folder.path,
    env: { NANO_BANANA_TOKEN: "key", NANO_BANANA_URL: api.url, MONTHLY_BUDGET_USD: "1" },
  });
  await using visitor = await openVisitor(server.url, { bypassCSP: true });
  const { page } = visitor;
  await page.goto(server.signInUrl);
  api.instead.create.push(() => Response.json({ code: 402, msg: "<b>no credits</b>" }));
  await sendPrompt(page, server, "a refused sea", "FAILED");
  api.instead.create.push(() => new Response("oops", { status: 500 }));
  await sendPrompt(page, server, "a lost sea", "FAILED");
  await sendPrompt(page, server, "a sea that was paid for", "COMPLETED");
  await page.locator("details.cost > summary").first().click();
  await checkAllPages(page, server, "failed");
});

browserTest("nothing moves while a card develops, and one stream feeds the page", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "150" } });
  await using visitor = await openVisitor(server.url);
  const { page, complaints } = visitor;
  const streams: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/events") streams.push(request.url());
  });
  await page.goto(server.signInUrl);
  for (const text of ["first of two, sea", "second of two, city"]) {
    await page.fill("#prompt", text);
    await page.click("#generate");
  }
  await page.locator("article.card").nth(1).waitFor();
  await page.evaluate(`
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift" });
  `);
  await page.locator('article.card[data-status="COMPLETED"]').nth(1).waitFor();
  await page.locator("article.card img").evaluateAll(
    "images => Promise.all(images.map((image) => image.decode()))",
  );
  assert.equal(await page.evaluate("globalThis.shift"), 0);
  assert.equal(streams.length, 1);
  assert.deepEqual(complaints, []);
});

browserTest(
  "a page carries less than 60 kB of compressed script and 120 kB in all but pictures",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url);
    const { page } = visitor;
    const loaded: Request[] = [];
    page.on("requestfinished", (request) => loaded.push(request));
    await page.goto(server.signInUrl, { waitUntil: "load" });
    const sizes: { [kind: string]: number } = {};
    for (const request of loaded) {
      const kind = request.resourceType();
      const { responseBodySize } = await request.sizes();
      sizes[kind] = (sizes[kind] ?? 0) + responseBodySize;
    }
    assert.ok(sizes.script > 10_000 && sizes.script < 60_000, JSON.stringify(sizes));
    const total = sizes.script + sizes.document + sizes.stylesheet;
    assert.ok(total < 120_000, JSON.stringify(sizes));
  },
);

browserTest("everything of the generator can be reached by keyboard, with visible focus", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "Skip to content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").getAttribute("id"), "prompt");
  await page.keyboard.type("sea by keyboard");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").getAttribute("name"), "upload");
  await page.keyboard.press("Tab");
  const settings = page.waitForResponse((response) => response.url().includes("/generator/settings?"));
  await page.keyboard.press("ArrowRight");
  await settings;
  assert.equal(await page.locator(":focus").getAttribute("value"), "1536x1536");
  await page.locator('input[name=imageSize][value="1536x1536"]:checked').waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByLabel("Seed").waitFor();
  await page.getByLabel("1024 × 1536").check();
  await page.locator('input[value="1024x1536"][checked]').waitFor({ state: "attached" });
  assert.equal(await page.getByLabel("Seed").isVisible(), true);
  await page.getByLabel("Seed").focus();
  while (await page.locator("#generate:focus").count() === 0) {
    await page.keyboard.press("Tab");
    assert.notEqual(
      await page.locator(":focus").evaluate("element => getComputedStyle(element).outlineStyle"),
      "none",
    );
  }
  await page.keyboard.press("Enter");
  await page.locator("article.card", { hasText: "sea by keyboard" }).waitFor();
});
