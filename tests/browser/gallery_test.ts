/** What the gallery, the keyboard and the browser's own memory add to the pages. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { openDarkroom } from "../bench/darkroom.ts";
import { plainPicture } from "../bench/instant_provider.ts";
import { seedHistory } from "../bench/seed.ts";
import { until } from "../fixtures/until.ts";
import { startOpenAi } from "../stand_ins/openai.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";

interface Scene extends AsyncDisposable {
  server: Server;
  visitor: Visitor;
  page: Page;
  /** Makes pictures of these prompts, one after another. */
  make(prompts: string[], fields?: object): Promise<void>;
}

async function setScene(
  env: Record<string, string> = {},
  { seeded = 0, timezoneId }: { seeded?: number; timezoneId?: string } = {},
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  if (seeded > 0) {
    await using darkroom = await openDarkroom(folder.path);
    await seedHistory(darkroom, { user: darkroom.owner, count: seeded, picture: await plainPicture() });
  }
  const server = stack.use(await startServer({ dataDir: folder.path, env }));
  const visitor = stack.use(await openVisitor(server.url, { timezoneId }));
  const { page } = visitor;
  await page.goto(server.signInUrl);
  return {
    server,
    visitor,
    page,
    async make(prompts, fields) {
      for (const prompt of prompts) {
        const answer = await page.request.post(`${server.url}/api/v1/images/generate`, {
          headers: { Origin: server.url },
          data: { prompt, imageSize: "512x512", ...fields },
        });
        assert.equal(answer.status(), 200);
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

browserTest("the day at which a picture is shown is the day on which it is found", async () => {
  await using scene = await setScene({}, { timezoneId: "Pacific/Kiritimati" });
  const { page, server, visitor } = scene;
  await scene.make(["far east"]);
  const [{ id, createdAt }] = (await (await page.request.get(`${server.url}/api/v1/images`)).json()).images
    .map((image: { imageId: string; createdAt: string }) => ({ id: image.imageId, ...image }));
  const dayIn = (timeZone: string) =>
    new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(new Date(createdAt));
  const shown = async () => {
    await page.goto(`${server.url}/images/${id}`);
    return (await page.locator("time").first().textContent())!;
  };
  const isFound = async (day: string) => {
    await page.goto(`${server.url}/gallery?from=${day}&to=${day}`);
    return await page.locator("#gallery .tile").count() === 1;
  };
  const expected = (timeZone: string) =>
    new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short", timeZone })
      .format(new Date(createdAt));
  const plain = (text: string) => text.replaceAll(/\s/gu, " ");
  assert.equal(plain(await shown()), plain(expected("Pacific/Kiritimati")));
  assert.ok(await isFound(dayIn("Pacific/Kiritimati")));
  await page.request.post(`${server.url}/profile`, {
    headers: { Origin: server.url },
    form: { name: "Ada", timeZone: "Pacific/Pago_Pago" },
  });
  assert.equal(plain(await shown()), plain(`${expected("Pacific/Pago_Pago")} Pacific/Pago_Pago`));
  assert.ok(await isFound(dayIn("Pacific/Pago_Pago")));
  assert.ok(!await isFound(dayIn("Pacific/Kiritimati")));
  assert.deepEqual(visitor.complaints, []);
});

browserTest("scrolling brings older pictures, and the document stays small", async () => {
  await using scene = await setScene({}, { seeded: 400 });
  const { page, server, visitor } = scene;
  await page.goto(`${server.url}/gallery`);
  const tiles = page.locator("#gallery .tile");
  let count = await tiles.count();
  assert.equal(count, 24);
  while (await page.locator("#gallery .more[hx-get]").count() > 0) {
    await page.locator("#gallery .more").scrollIntoViewIfNeeded();
    count = await until(() => tiles.count(), (next) => next > count);
  }
  assert.equal(count, 288);
  const elements = await page.evaluate("document.querySelectorAll('*').length") as number;
  assert.ok(elements < 2000, `${elements} elements`);
  await page.locator("#gallery .more a").click();
  await page.waitForURL(/cursor=/);
  const oldest = await page.locator("#gallery .tile img").first().getAttribute("alt");
  assert.match(oldest!, /number 112$/);
  assert.deepEqual(visitor.complaints, []);
});

for (const way of ["Back", "Escape", "the link"]) {
  browserTest(`${way} leads from a picture to its place in a long gallery`, async () => {
    await using scene = await setScene({}, { seeded: 200 });
    const { page, server, visitor } = scene;
    await page.goto(`${server.url}/gallery`);
    const tiles = page.locator("#gallery .tile");
    while (await tiles.count() < 168) {
      const count = await tiles.count();
      await page.locator("#gallery .more").scrollIntoViewIfNeeded();
      await until(() => tiles.count(), (next) => next > count);
    }
    const tile = tiles.nth(149);
    const id = (await tile.getAttribute("id"))!;
    await tile.scrollIntoViewIfNeeded();
    await tile.locator("a").click();
    await page.waitForURL("**/images/**");
    if (way === "Back") await page.goBack();
    else if (way === "Escape") await page.keyboard.press("Escape");
    else await page.locator("a[rel=up]").click();
    await page.waitForURL("**/gallery?**");
    const box = await until(() => page.locator(`#${id}`).boundingBox(), (box) => box !== null && box.y < 860);
    assert.ok(box!.y >= 0 && box!.y + box!.height <= 860, JSON.stringify(box));
    assert.equal(await tiles.count(), 168);
    await page.locator("#gallery .more").scrollIntoViewIfNeeded();
    await until(() => tiles.count(), (next) => next > 168);
    const different = await page.evaluate(
      `new Set([...document.querySelectorAll("#gallery .tile")].map(({ id }) => id)).size`,
    );
    assert.equal(different, await tiles.count());
    assert.deepEqual(visitor.complaints, []);
  });
}

browserTest(
  "pictures are selected by mouse, Shift and keyboard, deleted together, and brought back",
  async () => {
    await using scene = await setScene();
    const { page, server, visitor } = scene;
    await scene.make(["one", "two", "three", "four", "five"]);
    await page.goto(`${server.url}/gallery`);
    const boxes = page.locator("input.select");
    assert.equal(await page.locator(".bar").isVisible(), false);
    await boxes.nth(0).click();
    await boxes.nth(2).click({ modifiers: ["Shift"] });
    assert.equal(await page.locator("input.select:checked").count(), 3);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("input.select:checked").count(), 0);
    await boxes.nth(1).focus();
    await page.keyboard.press("Space");
    await boxes.nth(3).focus();
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Compare two" }).click();
    await page.locator("#compare.over img").nth(1).waitFor();
    await page.locator("#compare-slider input").focus();
    await page.keyboard.press("End");
    assert.equal(
      await page.evaluate("document.getElementById('compare').style.getPropertyValue('--share')"),
      "100%",
    );
    await page.goBack();
    // A picture that is still on its way when it is deleted would be missing, and the console says so.
    const arePicturesThere =
      "[...document.querySelectorAll('#gallery img')].every((img) => img.naturalWidth > 0)";
    await until(() => page.evaluate(arePicturesThere), Boolean);
    await boxes.nth(1).check();
    await boxes.nth(3).check();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("2 pictures were deleted").waitFor();
    assert.equal(await page.locator("#gallery .tile").count(), 3);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForURL(`${server.url}/gallery`);
    assert.equal(await page.locator("#gallery .tile").count(), 5);
    await page.locator("input.select").nth(0).check();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    assert.equal((await download).suggestedFilename(), "darkroom.zip");
    assert.deepEqual(visitor.complaints, []);
  },
);

browserTest("keys lead through the filtered gallery, to the pages, and are listed", async () => {
  await using scene = await setScene();
  const { page, server } = scene;
  await scene.make(["a red fox", "a green field", "a red barn"]);
  await page.goto(`${server.url}/gallery?q=red`);
  await page.locator("#gallery .tile a").first().click();
  const heading = () => page.locator("h1").innerText();
  assert.equal(await heading(), "a red barn");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: "a red fox" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("heading", { name: "a red barn" }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(/\/gallery\?q=red&at=[^&]+#image-/);
  await page.keyboard.press("/");
  assert.equal(await page.locator(":focus").getAttribute("id"), "q");
  await page.keyboard.type("?gh");
  assert.match(await page.inputValue("#q"), /\?gh/);
  await page.locator("h1").click();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.waitForURL(/\/dashboard$/);
});

browserTest(
  "what was typed is still there after a reload, and earlier prompts are an Alt and arrow away",
  async () => {
    await using scene = await setScene();
    const { page, server } = scene;
    await scene.make(["first words", "second words"]);
    await page.goto(`${server.url}/generator`);
    await page.fill("#prompt", "half a thought");
    await page.reload();
    assert.equal(await page.inputValue("#prompt"), "half a thought");
    await page.locator("#prompt").focus();
    const turned: string[] = [];
    for (const key of ["Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowDown", "Alt+ArrowDown"]) {
      await page.keyboard.press(key);
      turned.push(await page.inputValue("#prompt"));
    }
    assert.deepEqual(turned, [
      "second words",
      "first words",
      "first words",
      "second words",
      "half a thought",
    ]);
  },
);

browserTest("the dashboard follows what runs, and the tab tells how far it is", async () => {
  await using scene = await setScene({ SKETCH_STEP_MS: "300" });
  const { page, server, visitor } = scene;
  await page.goto(`${server.url}/dashboard`);
  await page.getByText("Nothing is running.").waitFor();
  assert.match(await page.locator("#figures").innerText(), /Pictures made\s+0/);
  const making = scene.make(["a slow sea"]);
  await page.locator("#running .card progress").waitFor();
  await until(() => page.title(), (title) => /^(\d+ %|…) Dashboard/.test(title));
  await making;
  await page.getByText("Nothing is running.").waitFor();
  await until(() => page.locator("#figures").innerText(), (text) => /Pictures made\s+1/.test(text));
  await page.locator("#recent-images .tile img[alt='a slow sea']").waitFor();
  assert.equal(await page.title(), "Dashboard · Darkroom");
  assert.deepEqual(visitor.complaints, []);
});

browserTest("the price on the button follows what is typed and chosen", async () => {
  await using openai = startOpenAi();
  await using scene = await setScene({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: openai.url });
  const { page } = scene;
  const price = page.locator("#generate .price");
  const first = await price.innerText();
  await page.fill("#prompt", "a rather long prompt ".repeat(10));
  const dollars = (text: string) => Number(text.slice(1));
  await until(() => price.innerText(), (now) => dollars(now) > dollars(first));
  await page.getByLabel("Model").selectOption("sketch");
  await until(() => price.innerText(), (now) => now === "free");
});

browserTest("being offline is said, and over by itself", async () => {
  await using scene = await setScene();
  const { page, visitor } = scene;
  const words = page.getByText("You are offline.");
  assert.equal(await words.isVisible(), false);
  await visitor.context.setOffline(true);
  await words.waitFor();
  await visitor.context.setOffline(false);
  await words.waitFor({ state: "hidden" });
});

browserTest("pictures that did not come while the device was offline come once it is back", async () => {
  await using scene = await setScene();
  const { page, server, visitor: { context } } = scene;
  await page.goto(`${server.url}/generator`);
  await page.route("**/file?**", (route) => route.abort("internetdisconnected"));
  await scene.make(["a sea out of reach"]);
  await page.locator('.card[data-status="COMPLETED"]').waitFor();
  const isThere = () =>
    page.locator(".card img").evaluate((image: { naturalWidth: number }) => image.naturalWidth > 0);
  assert.equal(await isThere(), false);
  await page.unroute("**/file?**");
  await context.setOffline(true);
  await context.setOffline(false);
  await until(isThere, Boolean);
});

browserTest("keys that are held down send one prompt", async () => {
  await using scene = await setScene();
  const { page, server } = scene;
  await page.goto(`${server.url}/generator`);
  await page.fill("#prompt", "a sea once");
  await page.keyboard.down("Control");
  for (let i = 0; i < 4; i++) {
    await page.keyboard.down("Enter");
    await page.locator(".card", { hasText: "a sea once" }).first().waitFor();
    await page.locator("#generate:enabled").waitFor();
  }
  await page.keyboard.up("Enter");
  const { pagination } = await (await page.request.get(`${server.url}/api/v1/prompts`)).json();
  assert.equal(pagination.total, 1);
});

browserTest(
  "who asked for it is told of a picture that is ready while the tab is hidden, and nobody else",
  async () => {
    await using scene = await setScene();
    const { page, server, visitor } = scene;
    await visitor.context.addInitScript(`
    globalThis.told = [];
    globalThis.Notification = class {
      static permission = "default";
      static requestPermission = () => Promise.resolve(Notification.permission = "granted");
      constructor(title, { body }) { told.push(title + ": " + body); }
    };
    Object.defineProperty(document, "hidden", { get: () => globalThis.isAway === true });
  `);
    const told = () => page.evaluate("told") as Promise<string[]>;
    await page.goto(`${server.url}/generator`);
    await page.evaluate("globalThis.isAway = true");
    await scene.make(["not asked for"]);
    await page.locator('.card[data-status="COMPLETED"]').first().waitFor();
    assert.deepEqual(await told(), []);
    await page.locator("#notify").click();
    await page.locator('#notify[aria-pressed="true"]').waitFor();
    await scene.make(["asked for"]);
    assert.deepEqual(await until(told, (texts) => texts.length > 0), [
      "Darkroom: Picture ready, free: asked for",
    ]);
    await page.evaluate("globalThis.isAway = false");
    await scene.make(["seen anyway"]);
    await page.locator('.card[data-status="COMPLETED"]', { hasText: "seen anyway" }).waitFor();
    assert.equal((await told()).length, 1);
  },
);
