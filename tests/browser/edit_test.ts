/** Changing a picture in a browser: painted, extended by hand, and without any script, with the same requests. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";

interface Scene extends AsyncDisposable {
  server: Server;
  visitor: Visitor;
  page: Page;
  /** 1024 × 1024. */
  imageId: string;
}

async function setScene(options: { javaScriptEnabled?: boolean; bypassCSP?: boolean } = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const server = stack.use(await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "0" } }));
  const visitor = stack.use(await openVisitor(server.url, options));
  const { page } = visitor;
  await page.goto(server.signInUrl);
  const made = await page.request.post(`${server.url}/api/v1/images/generate`, {
    data: { prompt: "a lighthouse by the sea at noon" },
    headers: { Origin: server.url },
  });
  assert.equal(made.status(), 200, await made.text());
  const [{ id: imageId }] = (await made.json()).images;
  return { server, visitor, page, imageId, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const resultOf = (page: Page, text: string) =>
  page.locator('.edits article.card[data-status="COMPLETED"]', { hasText: text });

/** What was asked for last. */
async function asked({ page, server }: Scene) {
  const read = async (path: string) => await (await page.request.get(`${server.url}/api/v1/${path}`)).json();
  const { prompts: [{ id }] } = await read("prompts?limit=1");
  return (await read(`prompts/${id}`)).prompt;
}

const choose = (page: Page, value: string) => page.locator(`input[type=radio][value="${value}"]`).check();

browserTest(
  "without script a part is chosen, seen, clicked and changed, and what comes is there",
  async () => {
    await using scene = await setScene({ javaScriptEnabled: false });
    const { page, server, imageId } = scene;
    await page.goto(`${server.url}/images/${imageId}`);
    await page.getByRole("link", { name: "Paint a part" }).click();
    await page.getByLabel("What should be there?").fill("snow");
    await choose(page, "bottom");
    await page.getByRole("button", { name: "Show it" }).click();
    await page.locator(".part-shown", { hasText: "33 % will change" }).waitFor();
    assert.equal(await page.getByLabel("What should be there?").inputValue(), "snow");
    const drawn = await page.locator(".part-shown img").getAttribute("src");
    assert.equal((await page.request.get(server.url + drawn)).headers()["content-type"], "image/webp");
    await page.getByRole("button", { name: /^Change it/ }).click();
    await resultOf(page, "snow").waitFor();
    const lower = await asked(scene);
    assert.deepEqual([lower.taskType, lower.mask.feather, lower.mask.keep], ["INPAINT", 8, true]);

    const corners = async (scale: number) => {
      await page.goto(`${server.url}/images/${imageId}/edit?as=part&prompt=snow`);
      for (const [x, y] of [[64, 320], [576, 640]]) {
        await page.locator("input[type=image]").click({ position: { x: x * scale, y: (y - 1) * scale } });
      }
      return new URL(page.url()).searchParams;
    };
    // In a narrow window the picture is drawn smaller, and the places are the same.
    for (const [width, scale] of [[1280, 1], [360, 0.45]]) {
      await page.setViewportSize({ width, height: 760 });
      const said = await corners(scale);
      assert.deepEqual([said.get("part"), said.get("x"), said.get("width")], ["rect", "10", "80"]);
      assert.ok(
        Math.abs(Number(said.get("y")) - 50) < 0.5 && Math.abs(Number(said.get("height")) - 50) < 0.5,
      );
    }

    await page.goto(`${server.url}/images/${imageId}/edit?as=frame`);
    await choose(page, "16:9");
    await page.getByRole("button", { name: "Show it" }).click();
    await page.getByText("1024 × 1024 → 1820 × 1024").waitFor();
    await page.getByLabel("What is around it?").fill("more sea");
    await page.getByRole("button", { name: /^Change it/ }).click();
    await resultOf(page, "more sea").waitFor();
    assert.deepEqual((await asked(scene)).frame, { left: 398, top: 0, right: 398, bottom: 0 });
  },
);

browserTest("what is painted is changed while the page is open, and is gone on from", async () => {
  await using scene = await setScene();
  const { page, server, imageId, visitor } = scene;
  await page.goto(`${server.url}/images/${imageId}/edit?as=part`);
  const pad = await page.locator(".mask-stage canvas").boundingBox();
  assert.ok(pad);
  const at = (x: number, y: number) => [pad.x + pad.width * x, pad.y + pad.height * y] as const;
  await page.mouse.move(...at(0.5, 0.8));
  await page.mouse.down();
  await page.mouse.move(...at(0.6, 0.8), { steps: 4 });
  await page.mouse.up();
  const share = await page.locator("#mask-share").innerText();
  assert.match(share, /^\d\.\d % will change$/);
  await page.fill("#change-prompt", "a red boat");
  await page.keyboard.press("Control+Enter");
  await resultOf(page, "a red boat").waitFor();
  assert.equal(await page.inputValue("#change-prompt"), "a red boat");
  assert.equal((await asked(scene)).taskType, "INPAINT");

  await page.getByRole("link", { name: "Edit the mask again" }).click();
  await page.locator("#mask-share", { hasText: share }).waitFor();
  assert.equal(await page.inputValue("#change-prompt"), "a red boat");
  await page.goto(`${server.url}/images/${imageId}/edit?as=part`);
  await choose(page, "bottom");
  await page.getByRole("button", { name: "Mark this area" }).click();
  await page.locator("#mask-share", { hasText: "33 % will change" }).waitFor();
  await page.getByLabel("Everything except this").check();
  await page.getByRole("button", { name: "Mark this area" }).click();
  await page.locator("#mask-share", { hasText: "67 % will change" }).waitFor();
  await page.fill("#change-prompt", "a storm");
  await page.click("#generate");
  await resultOf(page, "a storm").waitFor();
  const { mask } = await asked(scene);
  await page.goto(`${server.url}/images/${imageId}/edit?as=part&part=earlier&maskId=${mask.maskId}`);
  await page.locator("#mask-share", { hasText: "67 % will change" }).waitFor();
  assert.deepEqual(visitor.complaints, []);
});

browserTest("where nothing is painted nothing is sent, and it says so until something is", async () => {
  await using scene = await setScene();
  const { page, server, imageId } = scene;
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/generator")) sent.push(request.method());
  });
  await page.goto(`${server.url}/images/${imageId}/edit?as=part`);
  await page.fill("#change-prompt", "a red boat");
  await page.click("#generate");
  await page.getByText("Nothing is marked: paint over what should change").waitFor();
  await page.getByRole("button", { name: "Mark all" }).click();
  await page.getByRole("button", { name: "Invert" }).click();
  await page.locator("#mask-share", { hasText: "0 % will change" }).waitFor();
  assert.equal(await page.locator(".mask-trouble").innerText(), "");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Nothing is marked: paint over what should change").waitFor();
  assert.deepEqual(sent, []);
  await choose(page, "bottom");
  await page.click("#generate");
  await resultOf(page, "a red boat").waitFor();
  assert.equal((await asked(scene)).taskType, "INPAINT");
});

browserTest("what was typed is there after a reload and on the way back, until it is sent", async () => {
  await using scene = await setScene();
  const { page, server, imageId, visitor } = scene;
  const address = `${server.url}/images/${imageId}/edit?as=part`;
  await page.goto(address);
  await page.fill("#change-prompt", "a red boat");
  await page.reload();
  assert.equal(await page.inputValue("#change-prompt"), "a red boat");
  await page.goto(`${server.url}/gallery`);
  await page.goBack();
  assert.equal(await page.inputValue("#change-prompt"), "a red boat");
  await page.goto(`${address}&prompt=snow`);
  assert.equal(await page.inputValue("#change-prompt"), "snow");
  await page.goto(`${server.url}/images/${imageId}/edit?as=words`);
  assert.equal(await page.inputValue("#change-prompt"), "a red boat");
  await page.click("#generate");
  await resultOf(page, "a red boat").waitFor();
  await page.goto(address);
  assert.equal(await page.inputValue("#change-prompt"), "");
  assert.deepEqual(visitor.complaints, []);
});

browserTest("without script what was typed is there on the way back", async () => {
  await using scene = await setScene({ javaScriptEnabled: false });
  const { page, server, imageId } = scene;
  await page.goto(`${server.url}/images/${imageId}/edit?as=part`);
  await page.getByLabel("What should be there?").fill("a red boat");
  await page.goto(`${server.url}/gallery`);
  await page.goBack();
  assert.equal(await page.getByLabel("What should be there?").inputValue(), "a red boat");
});

browserTest("before and after lie over each other, and the slider parts them where it stands", async () => {
  await using scene = await setScene();
  const { page, server, imageId } = scene;
  await page.goto(`${server.url}/images/${imageId}/edit?as=words`);
  await page.fill("#change-prompt", "make it night");
  await page.click("#generate");
  await resultOf(page, "make it night").getByRole("link", { name: "Compare" }).click();
  await page.locator("#compare-slider").waitFor();
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 860 });
    const boxes = await Promise.all(
      ["a", "img"].flatMap((name) =>
        [0, 1].map((nth) => page.locator(`.compare.over figure ${name}`).nth(nth).boundingBox())
      ),
    );
    for (const box of boxes.slice(1)) assert.deepEqual(box, boxes[0]);
    const tint = page.locator(".compare.over .picture").last();
    assert.equal(
      await tint.evaluate((place: unknown) => {
        const { getComputedStyle } = globalThis as unknown as {
          getComputedStyle(place: unknown, part: string): { content: string; display: string };
        };
        const { content, display } = getComputedStyle(place, "::before");
        return content === "none" || display === "none";
      }),
      true,
    );
  }
});

browserTest("a frame is drawn out by hand and by keys, as the fields say it", async () => {
  await using scene = await setScene();
  const { page, server, imageId, visitor } = scene;
  await page.goto(`${server.url}/images/${imageId}/edit?as=words`);
  await page.fill("#change-prompt", "more sea");
  await page.getByRole("link", { name: "Extend" }).click();
  assert.equal(await page.inputValue("#change-prompt"), "more sea");
  const print = await page.locator(".frame-print").boundingBox();
  assert.ok(print);
  const [x, y] = [print.x + print.width, print.y + print.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + print.width / 4, y, { steps: 5 });
  await page.mouse.up();
  await page.locator("#frame-size", { hasText: /1024 × 1024 → 12\d\d × 1024/ }).waitFor();
  await page.locator("#frame-right").focus();
  const right = Number(await page.locator("#frame-right").getAttribute("aria-valuenow"));
  assert.ok(Math.abs(right - 256) < 4, String(right));
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.locator("#frame-top").focus();
  await page.keyboard.press("ArrowUp");
  const extend = { left: 0, top: 8, right: right + 8 - 64, bottom: 0 };
  assert.equal(await page.locator("#frame-size").innerText(), `1024 × 1024 → ${1024 + extend.right} × 1032`);
  await page.click("#generate");
  await resultOf(page, "more sea").waitFor();
  assert.deepEqual((await asked(scene)).frame, extend);

  await choose(page, "3:2");
  await page.locator("#frame-size", { hasText: "1024 × 1024 → 1536 × 1024" }).waitFor();
  await page.fill("#side-left", "50");
  await page.locator("#frame-size", { hasText: "1024 × 1024 → 1792 × 1024" }).waitFor();
  assert.deepEqual(visitor.complaints, []);
});

browserTest(
  "one step on a picture's page leads to where its change arrives; every page looks as it should",
  async () => {
    await using scene = await setScene({ bypassCSP: true });
    const { page, server, imageId } = scene;
    await page.goto(`${server.url}/images/${imageId}`);
    await page.fill("#change-prompt", "make it night");
    await page.click("#generate");
    await resultOf(page, "make it night").waitFor();
    await checkLooks(page, "change in words");
    await page.getByRole("link", { name: "Take this further" }).click();
    for (const way of ["part", "frame&ratio=16:9"]) {
      await page.goto(`${page.url().split("?")[0]}?as=${way}`);
      await checkLooks(page, `change by ${way}`);
    }
    await page.goto(page.url().split("/edit")[0]);
    await checkLooks(page, "a changed picture");
  },
);
