import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { startS3 } from "../stand_ins/s3.ts";

async function makePicture(page: Page, server: Server, text: string): Promise<string> {
  await page.goto(server.signInUrl);
  await page.fill("#prompt", text);
  await page.locator("summary", { hasText: "Advanced" }).click();
  await page.fill("#seed", "77");
  await page.check('input[name="imageSize"][value="512x512"]', { force: true });
  await page.click("#generate");
  await page.locator('article.card[data-status="COMPLETED"]').waitFor();
  const { images: [{ imageId }] } = await (await page.request.get(`${server.url}/api/v1/images`)).json();
  return imageId;
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate("axe.run()") as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

browserTest("a picture dropped on the generator fills the form with the settings inside it", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  const id = await makePicture(page, server, "snowy mountains, ink");
  const file = await page.request.get(`${server.url}/api/v1/images/${id}/file?download=webp&settings=1`);
  await page.goto(`${server.url}/generator?prompt=something+else`);
  assert.equal(await page.inputValue("#prompt"), "something else");
  const bytes = (await file.body()).toString("base64");
  const dropping = page.waitForNavigation();
  await page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob("${bytes}"), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], "x.webp", { type: "image/webp" }));
    document.querySelector("#prompt").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  })()`);
  await dropping;
  assert.equal(await page.inputValue("#prompt"), "snowy mountains, ink");
  assert.equal(await page.inputValue("#seed"), "77");
  assert.ok(await page.isChecked('input[name="imageSize"][value="512x512"]'));
  assert.deepEqual(visitor.complaints, []);
});

browserTest("a deletion is undone, and settings are read, on pages without scripts", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using scripted = await openVisitor(server.url);
  const id = await makePicture(scripted.page, server, "a quiet harbour");
  const { cookies } = await scripted.context.storageState();
  await using visitor = await openVisitor(server.url, { javaScriptEnabled: false });
  await visitor.context.addCookies(cookies);
  const { page } = visitor;
  const file = await page.request.get(`${server.url}/api/v1/images/${id}/file?download=png&settings=1`);
  await page.goto(`${server.url}/generator`);
  await page.locator("summary", { hasText: "Start from a picture" }).click();
  await page.setInputFiles("#picture", { name: "x.png", mimeType: "image/png", buffer: await file.body() });
  await page.click("text=Fill the form");
  assert.equal(await page.inputValue("#prompt"), "a quiet harbour");
  await page.goto(`${server.url}/images/${id}`);
  await page.click("summary:has-text('Delete')");
  await page.click("text=Delete this picture");
  await page.waitForURL(/\/gallery\?deleted=/);
  assert.equal(await page.locator(".tile").count(), 0);
  await page.click("button:has-text('Undo')");
  await page.waitForURL(new RegExp(`/images/${id}$`));
  await page.goto(`${server.url}/gallery`);
  assert.equal(await page.locator(".tile").count(), 1);
});

browserTest("pages show pictures that S3 serves, by addresses that the policy allows", async () => {
  await using folder = await temporaryFolder();
  await using s3 = startS3();
  const env = {
    R2_ENDPOINT: s3.address.endpoint,
    R2_BUCKET: s3.address.bucket,
    R2_ACCESS_KEY_ID: s3.address.accessKeyId,
    R2_SECRET_ACCESS_KEY: s3.address.secretAccessKey,
    R2_SERVE: "presign",
  };
  await using server = await startServer({ dataDir: folder.path, env });
  await using visitor = await openVisitor(server.url);
  const { page } = visitor;
  const id = await makePicture(page, server, "a city in the rain");
  for (const path of ["/gallery", `/images/${id}`]) {
    await page.goto(server.url + path);
    const width = await page.evaluate(`(async () => {
      const picture = document.querySelector("main img");
      await picture.decode();
      return picture.naturalWidth;
    })()`);
    assert.ok(Number(width) > 0, path);
  }
  const elsewhere = visitor.complaints.filter((line) =>
    !line.startsWith(`request to ${s3.address.endpoint}`)
  );
  assert.deepEqual(elsewhere, []);
  const saving = page.waitForEvent("download");
  await page.click("a:has-text('As it is')");
  assert.equal((await saving).suggestedFilename(), "a-city-in-the-rain.png");
});

browserTest("axe finds nothing where a deletion can be undone, nor where settings were refused", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using visitor = await openVisitor(server.url, { bypassCSP: true });
  const { page } = visitor;
  const id = await makePicture(page, server, "a quiet harbour");
  await page.goto(`${server.url}/images/${id}`);
  assert.deepEqual(await violations(page), []);
  await page.click("summary:has-text('Delete')");
  await page.click("text=Delete this picture");
  await page.waitForURL(/\/gallery\?deleted=/);
  for (const [width, colorScheme] of [[1280, "dark"], [360, "light"]] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), []);
    const wide = await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.equal(wide, 0);
  }
  await page.goto(`${server.url}/generator`);
  await page.locator("summary", { hasText: "Start from a picture" }).click();
  assert.deepEqual(await violations(page), []);
  const wide = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  assert.equal(wide, 0);
});
