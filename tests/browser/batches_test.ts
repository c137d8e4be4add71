/** Batches in a browser: said, looked at, started and watched, with a script and without. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";

interface Scene extends AsyncDisposable {
  server: Server;
  visitor: Visitor;
  page: Page;
}

async function setScene(
  options: { javaScriptEnabled?: boolean; bypassCSP?: boolean } = {},
  stepMs = 0,
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const env = { SKETCH_STEP_MS: String(stepMs) };
  const server = stack.use(await startServer({ dataDir: folder.path, env }));
  const visitor = stack.use(await openVisitor(server.url, options));
  await visitor.page.goto(server.signInUrl);
  return { server, visitor, page: visitor.page, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function send({ page, server }: Scene, body: unknown): Promise<string> {
  const answer = await page.request.post(`${server.url}/api/v1/batches`, {
    data: body,
    headers: { Origin: server.url },
  });
  assert.equal(answer.status(), 202, await answer.text());
  return (await answer.json()).batchId;
}

const choose = (page: Page, way: string) => page.locator(`input[name="way"][value="${way}"]`).check();
const done = (page: Page) => page.locator('.contact-print[data-status="COMPLETED"]');

browserTest("a batch is said, looked at and started, and its sheet fills while it is watched", async () => {
  await using scene = await setScene({}, 40);
  const { page, server, visitor } = scene;
  await page.goto(`${server.url}/generator`);
  await page.getByRole("link", { name: "Many at once" }).click();
  assert.ok(await page.getByLabel("How many").isVisible());
  await choose(page, "table");
  assert.ok(await page.getByLabel("Table as a file").isVisible());
  assert.ok(await page.getByLabel("How many").isHidden());
  await choose(page, "braces");
  assert.ok(await page.getByLabel("Braces make variants").isChecked());
  await page.getByLabel("Prompts").fill("a {red|blue} {fox|lake|city}");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "6 pictures from 6 rows" }).waitFor();
  await page.getByLabel("Name").fill("Six");
  await page.getByRole("button", { name: "Start 6 pictures · free" }).click();
  await page.getByRole("heading", { name: "Six", level: 1 }).waitFor();
  assert.equal(await page.locator(".contact-print").count(), 6);
  const heights = () =>
    page.locator(".contact-print .frame").evaluateAll("(frames) => frames.map((each) => each.offsetHeight)");
  const before = await heights();
  await page.evaluate("globalThis.stays = true");
  await page.getByText(/^Done · 6 of 6/).waitFor();
  await page.waitForFunction(
    "document.querySelectorAll('.contact-print[data-status=COMPLETED] img').length === 6",
  );
  assert.equal(await page.evaluate("globalThis.stays"), true);
  assert.deepEqual(await heights(), before);
  assert.deepEqual(visitor.complaints, []);
});

browserTest("a print is starred by a click and by a key, and the other tab hears of it", async () => {
  await using scene = await setScene();
  const { page, server, visitor } = scene;
  const id = await send(scene, { prompts: ["a red fox", "a lake"] });
  await page.goto(`${server.url}/batches/${id}`);
  await done(page).nth(1).waitFor();
  const other = await visitor.context.newPage();
  await other.goto(`${server.url}/batches/${id}`);
  const first = page.locator(".contact-print").first();
  await first.getByRole("button", { name: "3 stars" }).click();
  await page.locator('.contact-print[data-rating="3"]').waitFor();
  await other.locator('.contact-print[data-rating="3"]').waitFor();
  await page.locator(".contact-print").nth(1).locator("a.frame").focus();
  await page.keyboard.press("x");
  await page.locator('.contact-print[data-rating="-1"]').waitFor();
  await page.getByRole("link", { name: "Starred" }).click();
  assert.equal(await page.locator(".contact-print").count(), 1);
  assert.deepEqual(visitor.complaints, []);
});

browserTest("a batch is paused and resumed where it is watched, and the page stays", async () => {
  await using scene = await setScene({}, 200);
  const { page, server } = scene;
  const id = await send(scene, { prompts: Array.from({ length: 12 }, (_, i) => `a lake ${i}`) });
  await page.goto(`${server.url}/batches/${id}`);
  await page.evaluate("globalThis.stays = true");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/^Paused · /).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.getByText("Cancel what waits").click();
  await page.getByRole("button", { name: /^Cancel \d+ rows/ }).click();
  await page.getByText(/^Cancelled · /).waitFor();
  assert.equal(await page.evaluate("globalThis.stays"), true);
});

browserTest("without script a batch is made, looked at, started, watched by reload and starred", async () => {
  await using scene = await setScene({ javaScriptEnabled: false }, 20);
  const { page, server } = scene;
  await page.goto(`${server.url}/batches/new`);
  for (const label of ["How many", "Table as a file", "Braces make variants"]) {
    assert.ok(await page.getByLabel(label).isVisible(), label);
  }
  await choose(page, "table");
  await page.getByLabel("Table as a file").setInputFiles({
    name: "foxes.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("prompt;seed\na red fox;x\na lake;2\n"),
  });
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("row 1: seed must be a whole number").waitFor();
  await page.getByLabel("Prompts").fill("prompt;seed\na red fox;1\na lake;2\n");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Start 2 pictures · free" }).click();
  await page.getByText(/^Done · 2 of 2/).waitFor();
  await done(page).first().getByRole("button", { name: "4 stars" }).click();
  await page.locator('.contact-print[data-rating="4"]').waitFor();
  await page.getByRole("link", { name: "Unrated" }).click();
  assert.equal(await page.locator(".contact-print").count(), 1);
});

browserTest("axe finds nothing on the pages of batches, and none scrolls sideways, in any look", async () => {
  await using scene = await setScene({ bypassCSP: true });
  const { page, server } = scene;
  const look = async (path: string, name = path) => {
    await page.goto(server.url + path);
    await checkLooks(page, name);
  };
  await look("/batches", "no batch");
  await look("/batches/new");
  await choose(page, "braces");
  await page.getByLabel("Prompts").fill(
    "a {red|blue} fox {1..12} and a word without an end ".concat("x".repeat(90)),
  );
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "24 pictures from 24 rows" }).waitFor();
  await checkLooks(page, "a preview");
  await page.getByLabel("Prompts").fill("a {red fox");
  await page.getByRole("button", { name: "Preview again" }).click();
  await page.getByText("character 3").waitFor();
  await checkLooks(page, "a refusal");
  const long = "unbreakable".repeat(12);
  const list = await send(scene, { prompts: ["a red fox", "a blue fox", long], name: long.slice(0, 80) });
  const table = await send(scene, {
    template: {
      prompt: `{a lake|a city|${long}}`,
      braces: true,
      axes: { seed: [1, 2, 3, 4], imageSize: ["512x512"] },
    },
  });
  for (const id of [list, table]) {
    await page.goto(`${server.url}/batches/${id}`);
    await page.getByText(/^Done · /).waitFor();
    await look(`/batches/${id}`, id === list ? "a sheet" : "a table");
  }
  await look(`/batches/${list}?only=failed`, "nothing failed");
  await look("/batches", "batches");
});
