/** Stars, tags, boards and picking, by key and by finger. */
import assert from "node:assert/strict";
import type { BrowserContextOptions, Page } from "playwright-core";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";

interface Scene extends AsyncDisposable {
  server: Server;
  visitor: Visitor;
  page: Page;
  /** Newest first. */
  ids: string[];
  ratings(): Promise<number[]>;
  facts(id: string): Promise<{ rating: number; tags: string[]; boards: string[] }>;
}

async function setScene(options: BrowserContextOptions = {}, { count = 4 } = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const server = stack.use(await startServer({ dataDir: folder.path }));
  const visitor = stack.use(await openVisitor(server.url, options));
  const { page } = visitor;
  await page.goto(server.signInUrl);
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await page.request.post(`${server.url}/api/v1/images/generate`, {
      headers: { Origin: server.url },
      data: { prompt: `fox ${i}`, imageSize: "512x512" },
    });
    assert.equal(answer.status(), 200);
    ids.unshift((await answer.json()).images[0].id);
  }
  const facts = async (id: string) =>
    (await (await page.request.get(`${server.url}/api/v1/images/${id}`)).json()).image;
  return {
    server,
    visitor,
    page,
    ids,
    facts,
    ratings: () => Promise.all(ids.map(async (id) => (await facts(id)).rating)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Box {
  width: number;
  height: number;
  left: number;
  right: number;
  bottom: number;
}

const rests = (scene: Scene, expected: number[]) =>
  until(() => scene.ratings(), (found) => found.join() === expected.join());

browserTest(
  "keys rate, reject and tag the picture whose tile has focus, and other pages show it",
  async () => {
    await using scene = await setScene();
    const { page, server, ids, visitor } = scene;
    await page.goto(`${server.url}/gallery`);
    const other = await visitor.context.newPage();
    await other.goto(`${server.url}/gallery?q=fox`);
    const link = (id: string) => page.locator(`#image-${id} a`);
    await link(ids[0]).focus();
    await page.keyboard.press("4");
    await page.locator(`#image-${ids[0]}[data-rating="4"]`).waitFor();
    await page.waitForFunction(`document.getElementById("announcer").textContent === "4 stars"`);
    await other.locator(`#image-${ids[0]}[data-rating="4"]`).waitFor();
    assert.equal(await other.locator(`#image-${ids[0]} a`).getAttribute("href"), `/images/${ids[0]}?q=fox`);
    assert.equal(await other.locator("#announcer").innerText(), "");
    assert.equal(await page.locator(":focus").getAttribute("href"), `/images/${ids[0]}`);
    for (const key of ["1", "2", "3", "0", "5"]) await page.keyboard.press(key);
    await link(ids[1]).focus();
    await page.keyboard.press("x");
    await rests(scene, [5, -1, 0, 0]);
    await page.locator(`#image-${ids[1]}[data-rating="-1"]`).waitFor();
    await link(ids[2]).focus();
    await page.keyboard.press("t");
    assert.equal(await page.locator(":focus").getAttribute("id"), "selected-tags");
    assert.deepEqual(
      await page.locator("input.select:checked").evaluateAll((all: { value: string }[]) =>
        all.map(({ value }) => value)
      ),
      [
        ids[2],
      ],
    );
    await page.keyboard.type("Night sky, 4x");
    await page.keyboard.press("Enter");
    await until(() => scene.facts(ids[2]), ({ tags }) => tags.join() === "night sky,4x");
    assert.equal((await scene.facts(ids[2])).rating, 0);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".act[open]").count(), 0);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("input.select:checked").count(), 0);
    assert.deepEqual(visitor.complaints, []);
  },
);

browserTest(
  "several pictures are rated, tagged and put onto a board from the bar, and stay selected",
  async () => {
    await using scene = await setScene();
    const { page, server, ids, visitor } = scene;
    await page.goto(`${server.url}/gallery`);
    assert.equal(await page.locator(".bar").isVisible(), false);
    for (const id of ids.slice(0, 2)) await page.locator(`#image-${id} input.select`).check({ force: true });
    await page.locator(".act summary", { hasText: "Star" }).click();
    await page.getByRole("button", { name: "3 stars" }).click();
    await rests(scene, [3, 3, 0, 0]);
    await page.locator(`#image-${ids[1]}[data-rating="3"]`).waitFor();
    assert.equal(await page.locator("input.select:checked").count(), 2);
    await page.locator(".act summary", { hasText: "Tag" }).click();
    await page.fill("#selected-tags", "fox");
    await page.locator(".panel").getByRole("button", { name: "Tag" }).click();
    await until(() => scene.facts(ids[1]), ({ tags }) => tags.join() === "fox");
    await page.locator(".act summary", { hasText: "Add to board" }).click();
    await page.locator("#selected-board-name").fill("Foxes");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/boards/*");
    assert.equal(await page.locator("h1").innerText(), "Foxes");
    assert.equal(await page.locator("#gallery .tile").count(), 2);
    await page.locator("#gallery .tile a").first().click();
    await page.waitForURL("**/images/**");
    await page.keyboard.press("Escape");
    await page.waitForURL("**/boards/*");
    assert.deepEqual(visitor.complaints, []);
  },
);

browserTest(
  "a picture's page takes keys and buttons, and its tags come and go without a reload",
  async () => {
    await using scene = await setScene();
    const { page, server, ids: [id], visitor } = scene;
    await page.goto(`${server.url}/images/${id}`);
    await page.keyboard.press("3");
    await page.locator(`#rating-${id}[data-rating="3"]`).waitFor();
    await page.getByRole("button", { name: "5 stars" }).click();
    await page.locator(`#rating-${id}[data-rating="5"]`).waitFor();
    assert.equal(await page.getByRole("button", { name: "5 stars" }).getAttribute("aria-pressed"), "true");
    await page.getByRole("button", { name: "5 stars" }).click();
    await page.locator(`#rating-${id}[data-rating="0"]`).waitFor();
    await page.keyboard.press("t");
    await page.keyboard.type("sea");
    await page.keyboard.press("Enter");
    await page.locator(`#tags-${id} .chip`, { hasText: "sea" }).waitFor();
    await page.getByRole("button", { name: "Take away the tag sea" }).click();
    await page.locator(`#tags-${id} .chip`).waitFor({ state: "detached" });
    await page.fill("#tags", ",");
    await page.keyboard.press("Enter");
    await page.locator("#notice", { hasText: "Type a tag first" }).waitFor();
    assert.deepEqual(visitor.complaints.filter((each) => !each.includes("400 (Bad Request)")), []);
  },
);

browserTest(
  "picking goes by keys alone, however fast they come: stars, reject, back, compare, undo, end",
  async () => {
    await using scene = await setScene({}, { count: 6 });
    const { page, server, ids, visitor } = scene;
    await page.goto(`${server.url}/gallery/pick`);
    const shown = async () => await page.locator("#pick").getAttribute("data-picture");
    const shows = (id: string) => page.locator(`#pick[data-picture="${id}"]`).waitFor();
    for (const key of ["5", "x", "3"]) await page.keyboard.press(key);
    await shows(ids[3]);
    await rests(scene, [5, -1, 3, 0, 0, 0]);
    await page.keyboard.press("ArrowLeft");
    await shows(ids[2]);
    await page.keyboard.press("Space");
    await shows(ids[3]);
    await page.keyboard.press("c");
    await page.locator(".with-best").waitFor();
    assert.equal(await shown(), ids[3]);
    await page.keyboard.press("c");
    await page.locator(".pick:not(.with-best)").waitFor();
    await page.keyboard.press("u");
    await page.keyboard.press("u");
    await shows(ids[1]);
    await rests(scene, [5, 0, 0, 0, 0, 0]);
    await page.reload();
    await shows(ids[1]);
    await page.keyboard.press("2");
    await shows(ids[2]);
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    await shows(ids[5]);
    await page.keyboard.press("1");
    await page.waitForURL(/at=end/);
    await rests(scene, [5, 2, 0, 0, 0, 1]);
    await page.getByRole("button", { name: "Keep 3, delete 3" }).click();
    await page.getByText("3 pictures were deleted").waitFor();
    assert.match(await page.locator("h1").innerText(), /3 picks of 3/);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForURL("**/gallery");
    assert.equal(await page.locator("#gallery .tile").count(), 6);
    assert.deepEqual(visitor.complaints, []);
  },
);

browserTest("two at a time goes by arrows, blind, to a ranking", async () => {
  await using scene = await setScene({}, { count: 4 });
  const { page, server, visitor } = scene;
  await page.goto(`${server.url}/gallery/pick?at=end`);
  await page.getByRole("button", { name: "Two at a time" }).click();
  await page.waitForURL("**/duels/*");
  assert.doesNotMatch(await page.locator("#pick").innerText(), /sketch|free|\$|fox/);
  await page.keyboard.press("ArrowLeft");
  await page.getByText("2 of 6").waitFor();
  await page.keyboard.press("u");
  await page.getByText("1 of 6").waitFor();
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowLeft");
  await page.waitForURL("**/ranking");
  assert.match(await page.locator(".ranking li").first().innerText(), /of 3 duels/);
  assert.equal(await page.locator(".ranking li").count(), 4);
  await page.fill("#first", "1");
  await page.getByRole("button", { name: "Give stars" }).click();
  await page.getByText("★★★★★").waitFor();
  assert.equal((await scene.ratings()).filter((rating) => rating === 5).length, 1);
  assert.deepEqual(visitor.complaints, []);
});

browserTest(
  "what is pressed on touch is 44 pixels high and wide, and nothing of a picking page is cut off",
  async () => {
    await using scene = await setScene({
      hasTouch: true,
      isMobile: true,
      viewport: { width: 360, height: 640 },
    });
    const { page, server, ids } = scene;
    for (const path of [`/images/${ids[0]}`, "/gallery/pick"]) {
      await page.goto(server.url + path);
      const boxes = await page.locator(".rate, .pick-rate button, .pick-turn .button, .pick-head .button")
        .evaluateAll(
          (all: { getBoundingClientRect(): { toJSON(): Box } }[]) =>
            all.map((each) => each.getBoundingClientRect().toJSON()),
        );
      assert.ok(boxes.length >= 6, path);
      for (const { width, height, left, right, bottom } of boxes) {
        assert.ok(width >= 44 && height >= 44, `${path}: ${width} × ${height}`);
        assert.ok(left >= 0 && right <= 360, `${path}: ${left} to ${right}`);
        if (path.endsWith("pick")) assert.ok(bottom <= 640);
      }
    }
  },
);

browserTest("without a script pictures are rated, tagged, put onto boards and picked", async () => {
  await using scene = await setScene({ javaScriptEnabled: false });
  const { page, server, ids } = scene;
  await page.goto(`${server.url}/images/${ids[0]}`);
  await page.getByRole("button", { name: "4 stars" }).click();
  assert.equal(new URL(page.url()).pathname, `/images/${ids[0]}`);
  await page.fill("#tags", "fox");
  await page.locator("form", { has: page.locator("#tags") }).getByRole("button").click();
  await page.goto(`${server.url}/gallery`);
  await page.locator(`#image-${ids[1]} input.select`).check();
  await page.locator("#tag-selected summary").click();
  await page.fill("#selected-tags", "sea");
  await page.keyboard.press("Enter");
  await until(() => scene.facts(ids[1]), ({ tags }) => tags.join() === "sea");
  await page.locator(`#image-${ids[1]} input.select`).check();
  await page.locator(".act summary", { hasText: "Add to board" }).click();
  await page.fill("#selected-board-name", "Seas");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/boards/*");
  assert.equal(await page.locator("h1").innerText(), "Seas");
  await page.goto(`${server.url}/gallery/pick`);
  for (const name of ["5 stars", "Reject", "1 star"]) {
    await page.getByRole("button", { name, exact: true }).click();
  }
  await page.getByRole("button", { name: "Undo" }).click();
  assert.deepEqual(await scene.ratings(), [5, -1, 0, 0]);
  assert.equal(await page.locator("#pick").getAttribute("data-picture"), ids[2]);
});

browserTest("axe finds nothing on boards, picking and ranking, in any look", async () => {
  await using scene = await setScene({ bypassCSP: true });
  const { page, server, ids } = scene;
  await page.goto(`${server.url}/boards`);
  await checkLooks(page, "no boards");
  const headers = { Origin: server.url };
  for (const [i, id] of ids.entries()) {
    await page.request.patch(`${server.url}/api/v1/images/${id}`, {
      headers,
      data: { rating: [5, -1, 0, 3][i], tags: ["fox", "a rather long tag of thirty letters"] },
    });
  }
  const made = await page.request.post(`${server.url}/api/v1/boards`, {
    headers,
    data: { name: "Foxes ".repeat(12) },
  });
  const { board } = await made.json();
  await page.request.post(`${server.url}/api/v1/boards/${board.id}/images`, {
    headers,
    data: { imageIds: ids },
  });
  const empty = await page.request.post(`${server.url}/api/v1/boards`, {
    headers,
    data: { name: "x".repeat(80) },
  });
  const duels = await page.request.post(`${server.url}/gallery/pick/duel`, { headers });
  const paths = [
    "/boards",
    `/boards/${board.id}`,
    `/boards/${(await empty.json()).board.id}`,
    `/images/${ids[0]}`,
    "/gallery?stars=0&tag=fox",
    "/gallery?kind=all",
    `/generator?boardId=${board.id}`,
    "/gallery/pick",
    "/gallery/pick?best=1",
    "/gallery/pick?at=end",
    new URL(duels.url()).pathname,
    `${new URL(duels.url()).pathname}/ranking`,
  ];
  for (const path of paths) {
    await page.goto(server.url + path);
    await checkLooks(page, path);
  }
  await page.goto(`${server.url}/gallery`);
  await page.locator(`#image-${ids[0]} input.select`).check({ force: true });
  for (const act of ["Star", "Tag", "Add to board"]) {
    await page.locator(".act summary", { hasText: act }).click();
    await checkLooks(page, `the bar with ${act}`);
  }
});
