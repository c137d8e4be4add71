/** What is left in a browser for whoever uses it next. */
import assert from "node:assert/strict";
import { browserTest, openVisitor, signOut } from "../fixtures/browser.ts";
import { runTask, startServer, temporaryFolder } from "../fixtures/server.ts";

browserTest("after signing out the browser has no page, picture or draft left of the person", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  const { stdout: key } = await runTask(["key"], server);
  const made = await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "a quiet harbour", imageSize: "512x512" }),
  });
  const { images: [{ id, url }] } = await made.json();
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  await page.goto(server.signInUrl);
  assert.equal((await page.goto(url))!.status(), 200);
  await page.goto(`${server.url}/images/${id}`);
  await page.goto(`${server.url}/generator`);
  await page.getByLabel("What do you want to see?").fill("nobody else is to read this");
  await signOut(page);
  await page.waitForURL("**/login");
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  for (const path of [`/images/${id}`, "/generator"]) {
    await page.goBack();
    assert.equal(new URL(page.url()).pathname, "/login", path);
    assert.doesNotMatch(await page.locator("body").innerText(), /harbour|nobody else/);
  }
  assert.equal((await page.goto(url))!.status(), 401);
});
