import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { startNanobanana } from "../stand_ins/nanobanana.ts";
import { browserTest, openVisitor, signOut } from "../fixtures/browser.ts";
import { until } from "../fixtures/until.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

const prompt = "a lighthouse at dusk above a stormy sea";
const slow = { SKETCH_STEP_MS: "400" };

const cardOf = (page: Page, text = prompt) => page.locator("article.card", { hasText: text });

browserTest("a person signs in, types, watches the picture develop and finds it again", async () => {
  await using folder = await temporaryFolder();
  let server = await startServer({ dataDir: folder.path, env: slow });
  await using visitor = await openVisitor("http://localhost");
  const { page, context, complaints } = visitor;
  await page.goto(server.signInUrl);
  assert.equal(new URL(page.url()).pathname, "/generator");
  const second = await context.newPage();
  await second.goto(`${server.url}/generator`);
  const gallery = await context.newPage();
  await gallery.goto(`${server.url}/gallery`);
  await page.bringToFront();

  await page.fill("#prompt", prompt);
  await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
  await page.keyboard.press("Control+Enter");
  await cardOf(page).waitFor();
  assert.equal(await page.inputValue("#prompt"), prompt);
  assert.equal(await page.locator(":focus").getAttribute("id"), "prompt");
  await cardOf(page).locator("progress").waitFor();
  const preview = cardOf(page).locator('img[src*="/preview?"]');
  await preview.waitFor();
  const early = (await preview.getAttribute("src"))!;
  await cardOf(page).locator(`img[src*="/preview?"]:not([src="${early}"])`).waitFor();
  await cardOf(second).waitFor();
  const finished = (each: Page) =>
    each.locator('article.card[data-status="COMPLETED"] a.frame img').first().waitFor();
  await Promise.all([finished(page), finished(second)]);
  await gallery.locator("#gallery .tile img").waitFor();
  assert.equal(await page.evaluate(() => "isSamePage" in globalThis), true);
  assert.match(await cardOf(page).innerText(), /\d\.\d s\s+free/);
  await until(
    () => page.evaluate("document.querySelector('article.card img').naturalWidth"),
    (width) => width === 640,
  );

  await page.reload();
  await cardOf(page).waitFor();
  assert.deepEqual(complaints, []);
  assert.equal((await server.end("SIGTERM")).code, 0);
  server = await startServer({ dataDir: folder.path, env: { ...slow, PORT: new URL(server.url).port } });
  await using _ = server;
  await page.goto(`${server.url}/generator`);
  await cardOf(page).waitFor();
  await cardOf(page).locator("a.frame").click();
  assert.match(await page.locator("h1").innerText(), new RegExp(prompt));
});

browserTest("the same works without JavaScript", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: slow });
  await using visitor = await openVisitor(server.url, { javaScriptEnabled: false });
  const { page, complaints } = visitor;
  await page.goto(server.signInUrl);
  await page.fill("#prompt", prompt);
  await page.click("#generate");
  await cardOf(page).waitFor();
  assert.notEqual(await cardOf(page).getAttribute("data-status"), "COMPLETED");
  await page.locator('article.card[data-status="COMPLETED"]').waitFor({ timeout: 15_000 });
  await cardOf(page).locator("a.frame").click();
  await page.getByText("SHA-256").waitFor();
  await page.locator("summary", { hasText: "Delete" }).click();
  await page.getByRole("button", { name: "Delete this picture" }).click();
  assert.equal(new URL(page.url()).pathname, "/gallery");
  assert.equal(await page.locator(".tile").count(), 0);
  await page.goto(`${server.url}/prompts`);
  await page.getByRole("button", { name: "Again" }).click();
  await page.locator('article.card[data-status="COMPLETED"] a.frame').waitFor({ timeout: 15_000 });
  await signOut(page);
  assert.equal(new URL(page.url()).pathname, "/login");
  await page.goto(`${server.url}/gallery`);
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.deepEqual(complaints, []);
});

browserTest("without JavaScript Enter in a field of one line asks for the pictures", async () => {
  await using folder = await temporaryFolder();
  await using api = await startNanobanana();
  const env = { NANO_BANANA_TOKEN: "key", NANO_BANANA_URL: api.url };
  await using server = await startServer({ dataDir: folder.path, env });
  await using visitor = await openVisitor(server.url, { javaScriptEnabled: false });
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.getByLabel("Model").selectOption("sketch");
  await page.getByRole("button", { name: "Show this model's settings" }).click();
  assert.equal(new URL(page.url()).searchParams.get("model"), "sketch");
  await page.fill("#prompt", prompt);
  await page.locator("#advanced > summary").click();
  await page.getByLabel("Watermark").fill("mine");
  await page.getByLabel("Watermark").press("Enter");
  await cardOf(page).waitFor();
  assert.equal(page.url(), `${server.url}/generator`);
});

browserTest("where scripts run no button for those without them comes with a change", async () => {
  await using folder = await temporaryFolder();
  await using api = await startNanobanana();
  const env = { NANO_BANANA_TOKEN: "key", NANO_BANANA_URL: api.url };
  await using server = await startServer({ dataDir: folder.path, env });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  const settings = page.waitForResponse((response) => response.url().includes("/generator/settings?"));
  await page.getByLabel("Model").selectOption("sketch");
  await settings;
  await page.getByLabel("Seed").waitFor({ state: "attached" });
  assert.equal(await page.locator("#generator button[formmethod]").count(), 0);
  await page.fill("#prompt", prompt);
  await page.locator("#advanced > summary").click();
  await page.getByLabel("Watermark").fill("mine");
  await page.getByLabel("Watermark").press("Enter");
  await cardOf(page).waitFor();
});

browserTest("a page that was cut off catches up by itself", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page, context } = visitor;
  await page.goto(server.signInUrl);
  const other = await context.newPage();
  await other.goto(`${server.url}/generator`);
  await context.setOffline(true);
  await until(() => page.evaluate("navigator.onLine"), (isOnLine) => isOnLine === false);
  await context.setOffline(false);
  await other.fill("#prompt", prompt);
  await other.click("#generate");
  await cardOf(other).waitFor();
  await page.bringToFront();
  await page.locator('article.card[data-status="COMPLETED"]').waitFor();
});

browserTest("cancelling and trying again change the card in place", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "60000" } });
  await using visitor = await openVisitor(server.url);
  const { page, complaints } = visitor;
  await page.goto(server.signInUrl);
  await page.locator("[data-example]").first().click();
  const text = await page.inputValue("#prompt");
  assert.ok(text.length > 10);
  await page.getByLabel("1536 × 864").check();
  await page.getByLabel("2", { exact: true }).check();
  await page.getByRole("button", { name: "Generate 2 · free" }).click();
  const card = cardOf(page, text).first();
  await card.getByRole("button", { name: "Cancel" }).click();
  await page.locator('article.card[data-status="CANCELLED"]').waitFor();
  assert.match(await card.innerText(), /cancelled/);
  await card.getByRole("button", { name: "Try again" }).click();
  await page.locator("article.card").nth(1).waitFor();
  assert.deepEqual(complaints, []);
});

browserTest("an answer that comes late does not undo what the stream has shown meanwhile", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "60000" } });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  const stream = page.waitForResponse((response) => new URL(response.url()).pathname === "/events");
  await page.reload();
  await stream;
  const isShown = Promise.withResolvers<void>();
  await page.route("**/generator", async (route) => {
    if (route.request().method() !== "POST") return await route.continue();
    const answer = await route.fetch();
    await isShown.promise;
    await route.fulfill({ response: answer });
  });
  await page.fill("#prompt", prompt);
  await page.click("#generate");
  await page.locator('article.card[data-status="PROCESSING"]').waitFor();
  const answered = page.waitForEvent("requestfinished", (request) => request.method() === "POST");
  isShown.resolve();
  await answered;
  await page.locator("#generate:not([disabled])").waitFor();
  assert.equal(await cardOf(page).getAttribute("data-status"), "PROCESSING");
  assert.equal(await cardOf(page).count(), 1);
});
