import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { browserTest, openVisitor, signOut } from "../fixtures/browser.ts";
import { startHoldingProxy } from "../fixtures/holding_proxy.ts";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";

const cardOf = (page: Page, text: string, status: string) =>
  page.locator(`article.card[data-status="${status}"]`, { hasText: text });

async function makePicture(page: Page, server: Server, text: string): Promise<string> {
  await page.goto(`${server.url}/generator`);
  await page.fill("#prompt", text);
  await page.click("#generate");
  await cardOf(page, text, "COMPLETED").waitFor();
  const answer = await page.request.get(`${server.url}/api/v1/images?limit=1`);
  return (await answer.json()).images[0].imageId;
}

async function openTab(context: BrowserContext, address: string): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(address, { timeout: 10_000 });
  return tab;
}

/** Sends a prompt as a program of the same person does. */
async function submit(page: Page, server: Server, prompt: string): Promise<void> {
  const answer = await page.request.post(`${server.url}/api/v1/images/generate`, {
    data: { prompt, imageSize: "512x512" },
    headers: { Prefer: "respond-async", Origin: server.url },
  });
  assert.equal(answer.status(), 202);
}

/** The budget stands on the pages that show it; what every page shows is in its polite region. */
const isTold = (tab: Page, text: string) =>
  until(() => tab.locator("#announcer").textContent(), (told) => told?.includes(text) === true, 15_000);

browserTest("ten tabs of one browser are all live, over the connections of HTTP/1.1", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
  await using visitor = await openVisitor(server.url);
  const { context, page, complaints } = visitor;
  await page.goto(server.signInUrl);
  const imageId = await makePicture(page, server, "a sea for ten");
  const paths = ["/gallery", "/prompts", "/dashboard", "/generator"];
  const tabs = [page];
  for (let i = 0; i < 9; i++) {
    tabs.push(await openTab(context, server.url + (paths[i] ?? `/images/${imageId}`)));
  }
  await submit(page, server, "told to all");
  for (const tab of tabs) await isTold(tab, "told to all");
  await tabs[1].locator("#gallery img[alt*='told to all']").waitFor();
  await tabs[2].locator("#history", { hasText: "told to all" }).waitFor();
  await cardOf(tabs[4], "told to all", "COMPLETED").waitFor();
  assert.deepEqual(complaints, []);
});

browserTest("when the tab that has the stream closes, another goes on, and nothing is missed", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
  await using visitor = await openVisitor(server.url);
  const { context, page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}/generator`);
  const leader = await openTab(context, `${server.url}/gallery`);
  await submit(page, server, "while both are open");
  await cardOf(page, "while both are open", "COMPLETED").waitFor();
  await leader.close();
  await submit(page, server, "just after it closed");
  await cardOf(page, "just after it closed", "COMPLETED").waitFor();
  assert.equal(await page.locator("#stalled").isVisible(), false);
});

browserTest("when the tab that has the stream dies, another goes on, and nothing is missed", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
  await using visitor = await openVisitor(server.url);
  const { context, page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}/generator`);
  const leader = await openTab(context, `${server.url}/gallery`);
  await submit(page, server, "while both live");
  await cardOf(page, "while both live", "COMPLETED").waitFor();
  const crash = await context.newCDPSession(leader);
  crash.send("Page.crash").catch(() => {});
  await leader.waitForEvent("crash");
  await submit(page, server, "just after it died");
  await cardOf(page, "just after it died", "COMPLETED").waitFor();
});

browserTest(
  "when the tab that has the stream sleeps, another goes on; awake again, it shows all",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
    await using visitor = await openVisitor(server.url);
    const { context, page } = visitor;
    await page.goto(server.signInUrl);
    await page.goto(`${server.url}/generator`);
    const sleeper = await openTab(context, `${server.url}/generator`);
    const devtools = await context.newCDPSession(sleeper);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await submit(page, server, "while one sleeps");
    await cardOf(page, "while one sleeps", "COMPLETED").waitFor();
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await cardOf(sleeper, "while one sleeps", "COMPLETED").waitFor();
  },
);

browserTest(
  "where the browser has no locks or no channels between tabs, pages are live as well",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
    for (const missing of ["delete Navigator.prototype.locks", "delete globalThis.BroadcastChannel"]) {
      await using visitor = await openVisitor(server.url);
      const { context, page } = visitor;
      await context.addInitScript(`${missing};`);
      const key = await loginAgain(server);
      await page.goto(key);
      await page.goto(`${server.url}/generator`);
      const other = await openTab(context, `${server.url}/generator`);
      await submit(page, server, `sea ${missing}`);
      await cardOf(page, `sea ${missing}`, "COMPLETED").waitFor();
      await other.close();
      await submit(page, server, `land ${missing}`);
      await cardOf(page, `land ${missing}`, "COMPLETED").waitFor();
    }
  },
);

browserTest("a page whose stream is held back says so, and its card develops anyway", async () => {
  await using folder = await temporaryFolder();
  await using proxy = startHoldingProxy();
  const env = { SKETCH_STEP_MS: "400", PUBLIC_URL: proxy.url };
  await using server = await startServer({ dataDir: folder.path, env });
  proxy.passTo(server.url);
  await using visitor = await openVisitor(proxy.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${proxy.url}/generator`);
  await page.fill("#prompt", "a held sea");
  await page.click("#generate");
  const notice = page.locator("#stalled");
  await notice.waitFor({ state: "visible", timeout: 9000 });
  assert.match(await notice.innerText(), /Live updates do not arrive/);
  await cardOf(page, "a held sea", "COMPLETED").waitFor({ timeout: 20_000 });
  proxy.letGo();
  await notice.waitFor({ state: "hidden", timeout: 10_000 });
});

browserTest("a stream that has died without a word is opened anew", async () => {
  await using folder = await temporaryFolder();
  await using proxy = startHoldingProxy();
  proxy.letGo();
  const env = { SKETCH_STEP_MS: "20", PUBLIC_URL: proxy.url };
  await using server = await startServer({ dataDir: folder.path, env });
  proxy.passTo(server.url);
  await using visitor = await openVisitor(proxy.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${proxy.url}/generator`);
  await page.fill("#prompt", "while it lives");
  await page.click("#generate");
  await cardOf(page, "while it lives", "COMPLETED").waitFor();
  proxy.silence();
  const opened = page.waitForResponse(/\/events\?/, { timeout: 20_000 });
  await page.fill("#prompt", "over a dead line");
  await page.click("#generate");
  await opened;
  await cardOf(page, "over a dead line", "COMPLETED").waitFor();
  assert.equal(await page.locator("#stalled").isVisible(), false);
});

browserTest(
  "a tab that was left open does not hear what somebody else does who signed in since",
  async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
    await using visitor = await openVisitor(server.url);
    const { context, page } = visitor;
    await page.goto(server.signInUrl);
    await page.goto(`${server.url}/admin/invitations`);
    await page.getByLabel("Whom do you invite?").fill("Bea");
    await page.getByRole("button", { name: "Make a link" }).click();
    const link = (await page.locator("#invitation-link").textContent())!;
    await page.goto(`${server.url}/generator`);
    const refusals: string[] = [];
    page.on("response", (answer) => {
      if (answer.status() === 409) refusals.push(new URL(answer.url()).pathname);
    });
    const hers = await openTab(context, link);
    await context.clearCookies();
    await hers.getByLabel("Your name").fill("Bea");
    await hers.getByRole("button", { name: "Join" }).click();
    await hers.waitForURL(`${server.url}/profile/passkeys`);
    await hers.goto(`${server.url}/generator`);
    // As a page does that comes back from sleep.
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    await until(() => refusals, (paths) => paths.includes("/events"));
    await submit(hers, server, "only for Bea");
    await cardOf(hers, "only for Bea", "COMPLETED").waitFor();
    assert.equal(await page.locator("article.card", { hasText: "only for Bea" }).count(), 0);
  },
);

browserTest("who signs out in one tab is told in all others, which lead to signing in", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { context, page } = visitor;
  await page.goto(server.signInUrl);
  const tabs = [];
  for (const path of ["/generator", "/gallery?q=sea", "/prompts", "/dashboard"]) {
    tabs.push(await openTab(context, server.url + path));
  }
  await page.goto(`${server.url}/generator`);
  await signOut(page);
  await page.waitForURL("**/login");
  for (const tab of tabs) await tab.locator("#signed-out").waitFor({ state: "visible", timeout: 10_000 });
  const [generator, gallery] = tabs;
  assert.equal(await gallery.locator("#stalled").isVisible(), false);
  await gallery.getByRole("link", { name: "Sign in again" }).click();
  await gallery.waitForURL(/\/login\?return_to=%2Fgallery%3Fq%3Dsea$/);
  await gallery.goto(await loginAgain(server));
  await generator.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await generator.locator("#signed-out").waitFor({ state: "hidden" });
  await submit(gallery, server, "signed in again");
  await cardOf(generator, "signed in again", "COMPLETED").waitFor();
});

browserTest("a page of something on the way in place of the stream is no sign of life", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  let asked = 0;
  await page.route(/\/events\?/, (route) => {
    asked++;
    return route.fulfill({ contentType: "text/html", body: "<h1>Please wait</h1>" });
  });
  await page.goto(`${server.url}/generator`);
  await page.locator("#stalled").waitFor({ state: "visible", timeout: 9000 });
  await submit(page, server, "behind a page");
  await cardOf(page, "behind a page", "COMPLETED").waitFor();
  assert.ok(asked < 8, `asked ${asked} times`);
});

browserTest("the first prompt of all comes into an open history", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}/prompts`);
  await page.getByText("Nothing here yet").waitFor();
  await submit(page, server, "the first of all");
  await page.locator("#history tr", { hasText: "the first of all" }).waitFor();
  await page.getByText("Nothing here yet").waitFor({ state: "hidden" });
});

browserTest("a picture that is deleted in one tab says so in another, and leaves its gallery", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "20" } });
  await using visitor = await openVisitor(server.url);
  const { context, page } = visitor;
  await page.goto(server.signInUrl);
  const imageId = await makePicture(page, server, "a sea to be deleted");
  const image = await openTab(context, `${server.url}/images/${imageId}`);
  const gallery = await openTab(context, `${server.url}/gallery`);
  await gallery.locator("#gallery img").waitFor();
  const answer = await page.request.delete(`${server.url}/api/v1/images/${imageId}`, {
    headers: { Origin: server.url },
  });
  assert.equal(answer.status(), 200);
  await gallery.locator("#gallery img").waitFor({ state: "detached" });
  await image.getByText("The picture was deleted").waitFor();
  assert.equal(await image.getByRole("link", { name: "As it is" }).isVisible(), false);
  await image.reload();
  await image.getByRole("heading", { name: "This picture was deleted" }).waitFor();
  await image.getByRole("button", { name: "Undo" }).click();
  await image.getByRole("heading", { name: "a sea to be deleted" }).waitFor();
  await gallery.locator("#gallery img").waitFor();
  await page.request.delete(`${server.url}/api/v1/images/${imageId}`, { headers: { Origin: server.url } });
  await image.getByRole("button", { name: "Undo" }).click();
  await image.getByText("The picture was deleted").waitFor({ state: "detached" });
  await image.getByRole("link", { name: "As it is" }).waitFor();
  await gallery.locator("#gallery img").waitFor();
});

async function loginAgain(server: Server): Promise<string> {
  const { stdout } = await runTask(["login"], { dataDir: server.dataDir });
  return /http\S+/.exec(stdout)![0].replace(/^http:\/\/[^/]+/, server.url);
}
