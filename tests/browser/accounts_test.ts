/** The pages about accounts, as people use them. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { startSession } from "../../lib/identity/session.ts";
import { createStore } from "../../lib/store/store.ts";
import { browserTest, openMenu, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { createTestUser } from "../fixtures/store.ts";
import { readZip } from "../fixtures/zip.ts";

const device = { device: "Firefox on Windows" };

/** A few people in different positions; the server is not running yet. Returns a session of Ada's. */
async function addPeople(dataDir: string): Promise<string> {
  assert.equal((await runTask(["key", "--name", "first"], { dataDir })).code, 0);
  const kv = await Deno.openKv(pathsIn(dataDir).database);
  const store = createStore({ kv, now: Date.now });
  const ada = await createTestUser(store, { name: "Ada Lovelace", email: "ada@example.com" });
  await createTestUser(store, { name: "Grace", role: "admin", monthlyBudgetMicros: 12_500_000 });
  const longName = "Unbreakable".repeat(9);
  await createTestUser(store, { name: longName, isDisabled: true, monthlyBudgetMicros: null });
  await startSession(store, ada.id, device);
  const session = await startSession(store, ada.id, device);
  kv.close();
  return session;
}

async function signInAs(visitor: Visitor, server: Server, session: string): Promise<void> {
  await visitor.context.addCookies([{ name: "darkroom", value: session, url: server.url }]);
}

async function createKey(page: Page): Promise<string> {
  const form = page.locator("form", { has: page.getByRole("heading", { name: "New key" }) });
  await form.getByLabel("Name").fill("laptop");
  await form.getByLabel("Scope").selectOption("read");
  await form.getByLabel("Expires").fill("2099-12-31");
  await form.getByRole("button", { name: "Create key" }).click();
  return await page.locator("#new-key").innerText();
}

browserTest("axe finds nothing on the pages of accounts, in any look", async () => {
  await using folder = await temporaryFolder();
  await addPeople(folder.path);
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url, { bypassCSP: true });
  const { page } = visitor;
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}/profile`);
  await createKey(page);
  await checkLooks(page, "profile with a new key");
  await page.locator("form", { has: page.getByLabel("Type delete to confirm") }).getByRole("textbox").fill(
    "no",
  );
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("alert").filter({ hasText: "Type delete" }).waitFor();
  await checkLooks(page, "profile with a problem");
  await page.goto(`${server.url}/admin`);
  for (const change of await page.locator("details.change summary").all()) await change.click();
  await checkLooks(page, "users, open to change");
  const ada = page.locator("tr", { hasText: "Ada" });
  await ada.getByLabel("Budget a month").fill("10");
  await ada.getByRole("button", { name: "Save" }).click();
  await page.locator("tr", { hasText: "Ada" }).getByText("$10.00").first().waitFor();
  await page.goto(`${server.url}/admin/audit`);
  await page.getByText("has a budget of $10.00 a month").waitFor();
  await checkLooks(page, "changes");
  for (const path of ["/admin/invitations", "/profile/passkeys"]) {
    await page.goto(server.url + path);
    await checkLooks(page, path);
  }
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  browserTest(`a person manages their account ${how} scripts, takes their data and goes`, async () => {
    await using folder = await temporaryFolder();
    const session = await addPeople(folder.path);
    await using server = await startServer({ dataDir: folder.path });
    await using visitor = await openVisitor(server.url, { javaScriptEnabled });
    const { page, complaints } = visitor;
    await signInAs(visitor, server, session);
    await page.goto(`${server.url}/generator`);
    await page.fill("#prompt", "a quiet sea");
    await page.click("#generate");
    await page.locator('article.card[data-status="COMPLETED"]').waitFor({ timeout: 20_000 });
    await openMenu(page);
    await page.getByRole("link", { name: "Profile" }).click();
    await page.getByLabel("Name").first().fill("Countess");
    await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Your profile is saved.").waitFor();
    assert.equal(await page.getByLabel("Name").first().inputValue(), "Countess");
    if (!javaScriptEnabled) {
      assert.match(await page.locator("#sessions time").first().innerText(), /Asia\/Tokyo/);
    }

    await page.getByRole("button", { name: "End Firefox on Windows" }).click();
    await page.getByText("The session is ended.").waitFor();
    assert.equal(await page.locator("#sessions tbody tr").count(), 1);

    const key = await createKey(page);
    const headers = { Authorization: `Bearer ${key}` };
    const program = await fetch(`${server.url}/api/v1/me`, { headers });
    assert.equal((await program.json()).user.name, "Countess");
    await page.getByRole("button", { name: "Revoke laptop" }).click();
    await page.getByText("The key is revoked.").waitFor();
    const refused = await fetch(`${server.url}/api/v1/me`, { headers });
    assert.equal(refused.status, 401);
    await refused.body!.cancel();

    const saved = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export all my data" }).click();
    const archive = readZip(await Deno.readFile(await (await saved).path()));
    assert.equal([...archive.keys()].filter((name) => name.startsWith("pictures/")).length, 1);

    await page.getByLabel("Type delete to confirm").fill("delete");
    await page.getByRole("button", { name: "Delete my account" }).click();
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor();
    await page.goto(`${server.url}/profile`);
    assert.equal(new URL(page.url()).pathname, "/login");
    assert.deepEqual(complaints, []);
  });
}

browserTest(
  "an admin disables somebody, whose open page goes quiet and whose next click leads to sign-in",
  async () => {
    await using folder = await temporaryFolder();
    const session = await addPeople(folder.path);
    await using server = await startServer({ dataDir: folder.path });
    await using ada = await openVisitor(server.url);
    await signInAs(ada, server, session);
    await ada.page.goto(`${server.url}/generator`);
    const program = await fetch(`${server.url}/events`, { headers: { Cookie: `darkroom=${session}` } });
    await using owner = await openVisitor(server.url);
    await owner.page.goto(server.signInUrl);
    await openMenu(owner.page);
    await owner.page.getByRole("link", { name: "Admin" }).click();
    const row = owner.page.locator("tr", { hasText: "Ada" });
    await row.getByText("Change").click();
    await row.getByRole("button", { name: "Disable" }).click();
    await readEventStream(program).ended();
    await owner.page.locator("tr", { hasText: "Ada" }).getByText("disabled").waitFor();
    await ada.page.getByRole("link", { name: "Gallery", exact: true }).click();
    await ada.page.waitForURL("**/login?**");
    await owner.page.getByRole("link", { name: "Changes" }).click();
    await owner.page.getByText("Ada Lovelace was disabled").waitFor();
  },
);
