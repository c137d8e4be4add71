/** What was typed comes back until it is sent, and not after. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";

const draftOf = (page: Page) => page.evaluate(`localStorage.getItem("draft")`);

async function promptAt(page: Page, address: string): Promise<string> {
  await page.goto(address);
  return await page.inputValue("#prompt");
}

browserTest(
  "a draft is gone once it was sent, by button, by keys, without htmx, or from another tab",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url);
    const { page, context } = visitor;
    await page.goto(server.signInUrl);
    const generator = `${server.url}/generator`;

    await page.fill("#prompt", "sent by button");
    assert.equal(await draftOf(page), "sent by button");
    await page.click("#generate");
    await page.locator("article.card", { hasText: "sent by button" }).waitFor();
    assert.equal(await page.inputValue("#prompt"), "sent by button");
    assert.equal(await promptAt(page, generator), "");

    await page.fill("#prompt", "sent by keys");
    await page.keyboard.press("Control+Enter");
    await page.locator("article.card", { hasText: "sent by keys" }).waitFor();
    assert.equal(await promptAt(page, generator), "");

    await page.fill("#prompt", "sent without htmx");
    await page.evaluate(`{
    const form = document.getElementById("generator");
    const plain = form.cloneNode(true);
    for (const name of [...plain.attributes].map(({ name }) => name)) {
      if (name.startsWith("hx-") || name.startsWith("data-htmx")) plain.removeAttribute(name);
    }
    plain.elements.prompt.value = form.elements.prompt.value;
    form.replaceWith(plain);
  }`);
    await page.click("#generate");
    await page.locator("article.card", { hasText: "sent without htmx" }).waitFor();
    assert.equal(await promptAt(page, generator), "");

    await page.fill("#prompt", "typed in one tab");
    const other = await context.newPage();
    assert.equal(await promptAt(other, generator), "typed in one tab");
    await page.click("#generate");
    await page.locator("article.card", { hasText: "typed in one tab" }).first().waitFor();
    await other.waitForFunction(`document.getElementById("prompt").value === ""`);
    assert.equal(await promptAt(other, generator), "");
  },
);

browserTest("a draft stays while it was not accepted, and another one typed meanwhile is kept", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page, context } = visitor;
  await page.goto(server.signInUrl);
  const generator = `${server.url}/generator`;
  await page.route(
    "**/generator",
    (route) => route.request().method() === "POST" ? route.abort() : route.continue(),
  );
  await page.fill("#prompt", "never arrived");
  await page.click("#generate");
  assert.equal(await promptAt(page, generator), "never arrived");
  await page.unroute("**/generator");

  const other = await context.newPage();
  await other.goto(generator);
  await other.fill("#prompt", "a thought of the other tab");
  await page.click("#generate");
  await page.locator("article.card", { hasText: "never arrived" }).waitFor();
  assert.equal(await other.inputValue("#prompt"), "a thought of the other tab");
  assert.equal(await promptAt(other, generator), "a thought of the other tab");
});

browserTest(
  "what the server puts into the box is not overridden by a draft, and leaves it as it is",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url);
    const { page } = visitor;
    await page.goto(server.signInUrl);
    const generator = `${server.url}/generator`;
    await page.fill("#prompt", "half a thought");
    assert.equal(await promptAt(page, `${generator}?prompt=from+a+link`), "from a link");
    assert.equal(await promptAt(page, generator), "half a thought");
  },
);

browserTest("a prompt that was sent and looked up again is no draft", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.fill("#prompt", "a lake");
  await page.click("#generate");
  await page.locator("article.card", { hasText: "a lake" }).waitFor();
  await page.fill("#prompt", "");
  await page.keyboard.press("Alt+ArrowUp");
  assert.equal(await page.inputValue("#prompt"), "a lake");
  assert.equal(await promptAt(page, `${server.url}/generator`), "");
});
