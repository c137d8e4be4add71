/** The mask editor under a mouse, a pen, fingers and the keyboard; what it sends is read as the server reads it. */
import assert from "node:assert/strict";
import type { CDPSession, Page } from "playwright-core";
import sharp from "sharp";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { leftHalf, type MaskPage, openMaskPage } from "../fixtures/mask_page.tsx";
import { until } from "../fixtures/until.ts";

interface Scene extends AsyncDisposable {
  site: MaskPage;
  visitor: Visitor;
  page: Page;
}

async function openEditor(
  { size, isTouch = false, query = "" }: {
    size?: { width: number; height: number };
    isTouch?: boolean;
    query?: string;
  } = {},
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const site = stack.use(await openMaskPage(size));
  const visitor = stack.use(await openVisitor(site.url, { hasTouch: isTouch, bypassCSP: false }));
  await visitor.page.goto(`${site.url}/edit${query}`);
  await visitor.page.locator("#mask-editor:not([aria-busy=true]) canvas").waitFor();
  await visitor.page.locator("[data-press='mod+1']", { hasText: /^(?!100)/ }).waitFor();
  return { site, visitor, page: visitor.page, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Point = [x: number, y: number];

/** Where that part of the picture is on the page; given as fractions. */
async function at(page: Page, [x, y]: Point): Promise<Point> {
  const box = await page.locator(".mask-stage img").boundingBox();
  assert.ok(box);
  return [box.x + x * box.width, box.y + y * box.height];
}

async function drag(page: Page, points: Point[]): Promise<void> {
  const [first, ...rest] = await Promise.all(points.map((point) => at(page, point)));
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 4 });
  await page.mouse.up();
}

const share = (page: Page) => page.locator("#mask-share").innerText();
const percent = async (page: Page) => Number(/^[\d.]+/.exec(await share(page)));

/** What the form brings when it is sent. */
async function send(scene: Scene): Promise<FormData> {
  const before = scene.site.sent.length;
  await scene.page.click("#generate");
  await until(() => scene.site.sent.length > before, Boolean);
  return scene.site.sent[before];
}

interface Mask {
  width: number;
  height: number;
  /** Whether that pixel may change. */
  changes(x: number, y: number): boolean;
  count: number;
  text: string;
}

async function readMask(form: FormData): Promise<Mask> {
  const file = form.get("mask");
  assert.ok(file instanceof File);
  assert.equal(file.type, "image/png");
  const picture = sharp(await file.arrayBuffer());
  assert.ok((await picture.clone().stats()).isOpaque);
  const { data, info: { width, height } } = await picture.greyscale().raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual(data.filter((value) => value !== 0 && value !== 255), Buffer.alloc(0));
  return {
    width,
    height,
    changes: (x, y) => data[y * width + x] === 255,
    count: data.reduce((sum, value) => sum + value / 255, 0),
    text: data.toString("base64"),
  };
}

const line: Point[] = [[0.2, 0.3], [0.8, 0.3]];

browserTest(
  "what is drawn, erased, undone, done again and inverted is what is sent, also after a reload",
  async () => {
    await using scene = await openEditor();
    const { page, visitor } = scene;
    assert.equal(await share(page), "0 % will change");
    await drag(page, line);
    const drawn = await share(page);
    assert.match(drawn, /^\d\.\d % will change$/);
    assert.equal(await page.locator("#mask-where").innerText(), "top");
    await page.keyboard.press("e");
    assert.equal(await page.locator("[data-press=e]").getAttribute("aria-pressed"), "true");
    await drag(page, [[0.5, 0.2], [0.5, 0.4]]);
    const erased = await percent(page);
    assert.ok(erased < parseFloat(drawn));
    await page.keyboard.press("b");
    await drag(page, [[0.2, 0.7], [0.4, 0.7]]);
    for (let step = 0; step < 3; step++) await page.keyboard.press("Control+z");
    assert.equal(await share(page), "0 % will change");
    assert.equal(await page.locator("[data-press='mod+z']").getAttribute("aria-disabled"), "true");
    await page.keyboard.press("Control+y");
    await page.keyboard.press("Control+Shift+z");
    assert.equal(await percent(page), erased);
    await page.keyboard.press("i");
    assert.match(await share(page), /^9\d % will change$/);
    await page.keyboard.press("i");
    for (let step = 0; step < 7; step++) await page.locator("[data-press='mod++']").click();
    await drag(page, [[0.5, 0.5], [0.52, 0.52]]);
    const all = await share(page);
    await page.reload();
    await page.locator("#mask-share", { hasText: all }).waitFor();

    const mask = await readMask(await send(scene));
    const [across, down] = [mask.width, mask.height];
    const changesAt = ([x, y]: Point) => mask.changes(Math.round(x * across), Math.round(y * down));
    assert.deepEqual(
      [[0.3, 0.3], [0.5, 0.3], [0.3, 0.7], [0.51, 0.51]].map((point) => changesAt(point as Point)),
      [
        true,
        false,
        false,
        true,
      ],
    );
    assert.deepEqual(visitor.complaints, []);
  },
);

browserTest("a hundred steps are undone and done again, pixel by pixel, and no more than that", async () => {
  await using scene = await openEditor();
  const { page } = scene;
  await page.evaluate(`(() => {
    const pad = document.querySelector("canvas");
    const { left, top } = pad.getBoundingClientRect();
    const press = (type, x, y) => pad.dispatchEvent(
      new PointerEvent(type, { pointerId: 1, clientX: left + x, clientY: top + y, bubbles: true }),
    );
    for (let i = 0; i < 110; i++) {
      press("pointerdown", 450 + i * 3, 100 + (i * 37) % 400);
      press("pointermove", 460 + i * 3, 120 + (i * 37) % 400);
      press("pointerup", 460 + i * 3, 120 + (i * 37) % 400);
    }
  })()`);
  const all = await share(page);
  const press = (key: string) =>
    page.evaluate(`for (let i = 0; i < 105; i++) document.querySelector("[data-press='${key}']").click()`);
  await press("mod+z");
  const least = await share(page);
  assert.notEqual(least, "0 % will change");
  await press("mod+shift+z");
  assert.equal(await share(page), all);
  const redone = await readMask(await send(scene));
  await page.goBack();
  await page.locator("#mask-share", { hasText: all }).waitFor();
  assert.equal((await readMask(await send(scene))).text, redone.text);
});

browserTest(
  "shapes add and, with Ctrl, take away; Shift and a click draw straight on; Alt is the other",
  async () => {
    await using scene = await openEditor({ size: { width: 400, height: 400 } });
    const { page, site } = scene;
    await page.keyboard.press("Tab");
    await page.locator("canvas").focus();
    await page.keyboard.press("r");
    await drag(page, [[0.1, 0.1], [0.6, 0.6]]);
    assert.equal(await percent(page), 25);
    await page.keyboard.down("Control");
    await drag(page, [[0.1, 0.1], [0.35, 0.6]]);
    await page.keyboard.up("Control");
    assert.ok(Math.abs(await percent(page) - 12.5) <= 0.6);
    await page.keyboard.press("o");
    await drag(page, [[0.7, 0.7], [0.9, 0.9]]);
    await page.keyboard.press("l");
    await drag(page, [[0.7, 0.1], [0.9, 0.1], [0.9, 0.3], [0.7, 0.3], [0.7, 0.1]]);
    // A click marks nothing.
    await drag(page, [[0.05, 0.95]]);
    await page.keyboard.press("b");
    await page.mouse.click(...await at(page, [0.1, 0.8]));
    await page.keyboard.down("Shift");
    await page.mouse.click(...await at(page, [0.5, 0.8]));
    await page.keyboard.up("Shift");
    await page.keyboard.down("Alt");
    await drag(page, [[0.5, 0.3], [0.5, 0.3]]);
    await page.keyboard.up("Alt");
    await page.keyboard.press("w");
    const before = await share(page);
    await page.keyboard.down("Control");
    await page.mouse.click(...await at(page, [0.25, 0.75]));
    await page.keyboard.up("Control");
    await until(async () => await share(page) !== before, Boolean);
    assert.deepEqual(Object.fromEntries(site.asked[0]), { x: "100", y: "300", tolerance: "20" });
    await page.keyboard.press("Control+z");
    const mask = await readMask(await send(scene));
    const points: [Point, boolean][] = [
      [[200, 200], true],
      [[80, 200], false],
      [[320, 320], true],
      [[285, 285], false],
      [[320, 80], true],
      [[20, 380], false],
      [[120, 320], true],
      [[200, 120], false],
    ];
    for (const [[x, y], changes] of points) assert.equal(mask.changes(x, y), changes, `${x}, ${y}`);
  },
);

browserTest(
  "similar colours come from the server as one step; what is shown grows, shrinks and is cleared",
  async () => {
    await using scene = await openEditor({ size: { width: 400, height: 200 } });
    const { page, visitor } = scene;
    await page.click("[data-press=w]");
    await page.mouse.click(...await at(page, [0.1, 0.5]));
    await page.locator("#mask-share", { hasText: "50 % will change" }).waitFor();
    await page.click("[data-press='shift++']");
    assert.equal(await share(page), "51 % will change");
    await page.keyboard.press("Shift+-");
    assert.equal(await share(page), "50 % will change");
    await page.keyboard.press("Control+a");
    assert.equal(await share(page), "100 % will change");
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Delete");
    assert.equal(await share(page), "0 % will change");
    await page.keyboard.press("Control+z");
    await page.reload();
    await page.locator("#mask-share", { hasText: "50 % will change" }).waitFor();
    // What is still on its way is what is undone.
    await page.route("**/similar*", () => {});
    await page.click("[data-press=w]");
    const asking = page.waitForRequest("**/similar*");
    await page.mouse.click(...await at(page, [0.9, 0.5]));
    await asking;
    await page.keyboard.press("Control+z");
    await page.locator("#mask-editor[aria-busy=false]").waitFor();
    assert.equal(await page.locator(".mask-trouble").innerText(), "");
    await page.unrouteAll();
    await page.route("**/similar*", (route) => route.fulfill({ status: 503 }));
    await page.mouse.click(...await at(page, [0.9, 0.5]));
    await page.locator(".mask-trouble", { hasText: "Try it again" }).waitFor();
    assert.equal(await share(page), "50 % will change");
    assert.equal(visitor.complaints.filter((each) => !each.includes("503")).length, 0);
  },
);

/** Sends a pointer as a pen does: down, along, up. */
async function penStroke(page: Page, points: Point[], { pressure, buttons = 1 }: {
  pressure: number;
  buttons?: number;
}): Promise<void> {
  const places = await Promise.all(points.map((point) => at(page, point)));
  await page.evaluate(`(() => {
    const pad = document.querySelector("canvas");
    const send = (type, [clientX, clientY]) => pad.dispatchEvent(new PointerEvent(type, {
      pointerId: 7, pointerType: "pen", pressure: ${pressure}, buttons: ${buttons}, clientX, clientY, bubbles: true,
    }));
    const places = ${JSON.stringify(places)};
    send("pointerdown", places[0]);
    for (const place of places.slice(1)) send("pointermove", place);
    send("pointerup", places.at(-1));
  })()`);
}

browserTest(
  "a pen paints wider with more pressure, its other end erases, and then one finger moves",
  async () => {
    await using scene = await openEditor({ size: { width: 600, height: 600 }, isTouch: true });
    const { page } = scene;
    const along = (y: number): Point[] => Array.from({ length: 30 }, (_, i) => [0.1 + i * 0.026, y]);
    await penStroke(page, along(0.2), { pressure: 0.2 });
    await penStroke(page, along(0.5), { pressure: 1 });
    await penStroke(page, along(0.8), { pressure: 1 });
    await penStroke(page, along(0.8), { pressure: 1, buttons: 32 });
    const before = await share(page);
    const place = await at(page, [0, 0]);
    const touch = await page.context().newCDPSession(page);
    const [x, y] = await at(page, [0.5, 0.5]);
    await fingers(touch, [[[x, y]], [[x + 40, y + 30]], []]);
    assert.equal(await share(page), before);
    const moved = await at(page, [0, 0]);
    assert.deepEqual([moved[0] - place[0], moved[1] - place[1]].map(Math.round), [40, 30]);
    const mask = await readMask(await send(scene));
    const width = (row: number) => {
      const column = Array.from({ length: 200 }, (_, i) => mask.changes(300, row - 100 + i));
      return column.filter(Boolean).length;
    };
    assert.ok(width(120) > 0 && width(300) / width(120) >= 2, `${width(120)}, ${width(300)}`);
    assert.equal(width(480), 0);
  },
);

/** Where the fingers are, one moment after another. */
async function fingers(touch: CDPSession, moments: Point[][]): Promise<void> {
  let before = 0;
  for (const points of moments) {
    const touchPoints = points.map(([x, y], id) => ({ x, y, id }));
    const type = points.length === 0 ? "touchEnd" : points.length > before ? "touchStart" : "touchMove";
    await touch.send("Input.dispatchTouchEvent", { type, touchPoints });
    before = points.length;
  }
}

browserTest(
  "a finger paints, two move and zoom and leave the mask as it is, a tap of two undoes",
  async () => {
    await using scene = await openEditor({ isTouch: true });
    const { page } = scene;
    const touch = await page.context().newCDPSession(page);
    const [x, y] = await at(page, [0.5, 0.5]);
    await fingers(touch, [[[x, y]], [[x + 40, y]], [[x + 80, y]], []]);
    const painted = await share(page);
    assert.notEqual(painted, "0 % will change");
    const zoom = () => page.locator("[data-press='mod+1'] .name").innerText();
    const before = await zoom();
    await fingers(touch, [
      [[x, y]],
      [[x - 10, y]],
      [[x - 10, y], [x + 50, y]],
      [[x - 60, y], [x + 90, y]],
      [[x - 90, y], [x + 120, y]],
      [],
    ]);
    assert.equal(await share(page), painted);
    assert.ok(parseInt(await zoom()) > 2 * parseInt(before));
    await fingers(touch, [[[x, y], [x + 50, y]], []]);
    assert.equal(await share(page), "0 % will change");
    await fingers(touch, [[[x, y], [x + 50, y], [x + 90, y]], []]);
    assert.equal(await share(page), painted);
  },
);

browserTest(
  "everything is done by the keyboard alone: painting, shapes, zoom, undoing, sending",
  async () => {
    await using scene = await openEditor({ size: { width: 640, height: 640 } });
    const { page, site } = scene;
    await page.locator("[data-press=b]").focus();
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate("document.activeElement.tagName") === "CANVAS") break;
    }
    await page.keyboard.press("Enter");
    const stamped = await percent(page);
    assert.ok(stamped > 0);
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.down("Shift");
    await page.keyboard.down("Enter");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.up("Enter");
    await page.keyboard.up("Shift");
    assert.ok(await percent(page) > 2 * stamped);
    assert.equal(await page.locator(".mask-crosshair").innerText(), "38 % across, 38 % down");
    await page.keyboard.press("r");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Enter");
    await page.keyboard.press("o");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Escape");
    assert.ok(page.url().endsWith("/edit"));
    const size = page.locator("output").first();
    await page.keyboard.press("b");
    const before = parseInt(await size.innerText());
    await page.keyboard.press("]");
    assert.ok(parseInt(await size.innerText()) > before);
    await page.keyboard.press("Shift+[");
    assert.ok(parseInt(await size.innerText()) < before);
    await page.keyboard.press("Control+1");
    assert.equal(await page.locator("[data-press='mod+1'] .name").innerText(), "100 %");
    await page.keyboard.press("Control+Equal");
    assert.equal(await page.locator("[data-press='mod+1'] .name").innerText(), "125 %");
    await page.keyboard.press("Control+0");
    await page.keyboard.press("x");
    assert.equal(await page.locator("[data-press=e]").getAttribute("aria-pressed"), "true");
    // In the box for the prompt letters are letters.
    await page.fill("#prompt", "");
    await page.locator("#prompt").press("b");
    assert.equal(await page.inputValue("#prompt"), "b");
    assert.equal(await page.locator("[data-press=e]").getAttribute("aria-pressed"), "true");
    await page.locator("canvas").focus();
    await page.keyboard.press("Control+Enter");
    await until(() => site.sent.length, Boolean);
    const mask = await readMask(site.sent[0]);
    assert.ok(mask.changes(320, 320) && mask.changes(240, 260) && mask.changes(200, 200));
    assert.ok(!mask.changes(500, 500));
  },
);

browserTest(
  "the mask can be hidden, the picture moved in the middle of a lasso, and the zoom stays under the pointer",
  async () => {
    await using scene = await openEditor();
    const { page } = scene;
    await page.click("[data-press='mod+a']");
    await page.locator("canvas").focus();
    const tinted = () =>
      page.evaluate(`(() => {
      const pad = document.querySelector("canvas");
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(
        pad.getContext("2d").getImageData(pad.width / 2, pad.height / 2, 1, 1).data[3]
      ))));
    })()`);
    assert.equal(await tinted(), 128);
    await page.keyboard.down("h");
    assert.equal(await tinted(), 0);
    await page.keyboard.up("h");
    assert.equal(await tinted(), 128);
    await page.click("[data-look=hidden]");
    assert.equal(await tinted(), 0);
    await page.click("[data-look=part]");
    assert.equal(await tinted(), 0);
    await page.click("[data-look=part]");
    assert.equal(await tinted(), 128);
    await page.keyboard.press("Delete");

    const place = await at(page, [0.25, 0.25]);
    await page.mouse.move(...place);
    await page.mouse.wheel(0, -400);
    await until(() => at(page, [0.25, 0.25]).then(([x]) => Math.abs(x - place[0]) < 1), Boolean);
    await page.locator("canvas").focus();
    await page.keyboard.press("l");
    await page.mouse.down();
    await page.mouse.move(place[0] + 60, place[1]);
    await page.keyboard.down(" ");
    await page.mouse.move(place[0] + 60, place[1] - 100);
    await page.keyboard.up(" ");
    await page.mouse.move(place[0] + 60, place[1] - 40);
    await page.mouse.move(place[0], place[1] - 40);
    await page.mouse.up();
    assert.ok(await percent(page) > 0);
  },
);

browserTest(
  "an earlier mask is gone on from, one from a file is taken, one of another shape is not",
  async () => {
    await using scene = await openEditor({ size: { width: 300, height: 200 }, query: "?mask=/masks/left" });
    const { page } = scene;
    await page.locator("#mask-share", { hasText: "50 % will change" }).waitFor();
    await page.click("[data-press=i]");
    await page.reload();
    await page.locator("#mask-where", { hasText: "right" }).waitFor();
    await page.locator("summary").click();
    const buffer = Buffer.from(await leftHalf({ width: 600, height: 400 }));
    await page.setInputFiles("#mask", { name: "a.png", mimeType: "image/png", buffer });
    await page.locator("#mask-where", { hasText: "left" }).waitFor();
    await page.reload();
    await page.locator("#mask-where", { hasText: "left" }).waitFor();
    const clear = await sharp({
      create: { width: 300, height: 200, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    }).composite([{ input: Buffer.from(await leftHalf({ width: 150, height: 200 })), left: 0, top: 0 }]).png()
      .toBuffer();
    await page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob("${clear.toString("base64")}"), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], "x.png", { type: "image/png" }));
    document.querySelector("canvas").dispatchEvent(
      new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }),
    );
  })()`);
    await page.locator("#mask-where", { hasText: "right" }).waitFor();
    const square = Buffer.from(await leftHalf({ width: 200, height: 200 }));
    await page.locator("summary").click();
    await page.setInputFiles("#mask", { name: "b.png", mimeType: "image/png", buffer: square });
    await page.locator(".mask-trouble", { hasText: "The mask is 1:1, the picture 3:2" }).waitFor();
    await page.setInputFiles("#mask", {
      name: "c.png",
      mimeType: "image/png",
      buffer: Buffer.from("no picture"),
    });
    await page.locator(".mask-trouble", { hasText: "no picture that can be read" }).waitFor();
    assert.equal(await share(page), "50 % will change");
    const saving = page.waitForEvent("download");
    await page.click(".mask-save");
    const saved = await sharp(await Deno.readFile(await (await saving).path())).raw().toBuffer({
      resolveWithObject: true,
    });
    assert.equal(saved.data[0], 0);
    assert.equal(saved.data.at(-2), 255);
  },
);

browserTest(
  "nothing is lost by a refusal, and what was sent is gone from a page that is opened anew",
  async () => {
    await using scene = await openEditor({ size: { width: 300, height: 300 } });
    const { page, site, visitor } = scene;
    // Nothing is painted: the other fields hold, and no file comes.
    const without = await send(scene);
    assert.equal((without.get("mask") as File).size, 0);
    assert.equal(without.get("part"), "top");
    await page.goto(`${site.url}/edit`);
    await page.click("[data-mask-draw]");
    assert.equal(await share(page), "50 % will change");
    site.answer = "refused";
    const refused = await send(scene);
    assert.equal(refused.get("part"), "file");
    assert.equal(refused.get("price"), "0");
    await page.locator("#mask-share", { hasText: "50 % will change" }).waitFor();
    site.answer = "accepted";
    assert.equal((await readMask(await send(scene))).count, 300 * 150);
    await page.waitForURL("**/elsewhere");
    await page.goto(`${site.url}/edit`);
    await page.locator("[data-press='mod+1']", { hasText: /^(?!100)/ }).waitFor();
    assert.equal(await share(page), "0 % will change");
    await page.click("[data-press='mod+a']");
    await page.getByRole("button", { name: "Show it" }).click();
    await page.waitForURL("**/shown*");
    await page.goBack();
    await page.locator("#mask-share", { hasText: "100 % will change" }).waitFor();
    assert.equal(visitor.complaints.filter((each) => !each.includes("400")).length, 0);
  },
);

browserTest("where there is no room to keep the steps it says so, and goes on", async () => {
  await using scene = await openEditor();
  const { page, visitor } = scene;
  await page.evaluate(`for (let length = 2 ** 23; length > 1; length /= 2) {
    try {
      sessionStorage.setItem("filler " + length, "x".repeat(length));
    } catch {
      // Half of it may fit.
    }
  }`);
  await drag(page, line);
  await page.locator(".mask-trouble", { hasText: "if the page is left without sending, it is gone" })
    .waitFor();
  assert.ok((await readMask(await send(scene))).count > 0);
  assert.deepEqual(visitor.complaints, []);
});

browserTest("a picture of 25 megapixels is masked in its own shape", async () => {
  await using scene = await openEditor({ size: { width: 6250, height: 4000 } });
  const { page } = scene;
  await page.click("[data-press=r]");
  await drag(page, [[0, 0], [0.5, 1]]);
  assert.match(await share(page), /^(49|50) % will change$/);
  const mask = await readMask(await send(scene));
  assert.ok(mask.width * mask.height <= 2 ** 22 && mask.width > 2500);
  assert.ok(Math.abs(mask.width / mask.height / (6250 / 4000) - 1) < 0.001);
});

browserTest("the editor has no fault that axe finds, and scrolls sideways in no look", async () => {
  await using site = await openMaskPage();
  await using visitor = await openVisitor(site.url, { bypassCSP: true });
  const { page } = visitor;
  await page.goto(`${site.url}/edit`);
  await drag(page, line);
  await checkLooks(page, "mask editor");
  await page.click("[data-press=w]");
  await page.locator("summary").click();
  await checkLooks(page, "mask editor, keys");
  for (const button of await page.locator("#mask-editor button:visible").all()) {
    const box = await button.boundingBox();
    assert.ok(box && box.width >= 44 && box.height >= 44);
  }
});

browserTest("without a script the field for a file stands alone", async () => {
  await using site = await openMaskPage();
  await using visitor = await openVisitor(site.url, { javaScriptEnabled: false });
  const { page } = visitor;
  await page.goto(`${site.url}/edit`);
  await page.getByLabel("A mask from a file").waitFor();
  assert.equal(await page.locator("#mask-editor").isVisible(), false);
  const buffer = Buffer.from(await leftHalf({ width: 40, height: 40 }));
  await page.setInputFiles("#mask", { name: "a.png", mimeType: "image/png", buffer });
  await page.click("#generate");
  await until(() => site.sent.length, Boolean);
  assert.equal((site.sent[0].get("mask") as File).size, buffer.length);
});
