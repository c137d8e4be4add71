/** The page of the queue: order by keyboard and by dragging, what others do, and the same without scripts. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openVisitor, type Visitor } from "../fixtures/browser.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";

const names = ["first", "second", "third", "fourth"];

/** On the page of the queue, with four that run and as many that wait. */
async function withQueue(
  options: Parameters<typeof openVisitor>[1],
  work: (scene: { visitor: Visitor; url: string; ids: string[] }) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "60000" } });
  await using visitor = await openVisitor(server.url, options);
  const { page, complaints } = visitor;
  await page.goto(server.signInUrl);
  const send = async (prompt: string) => {
    const answer = await page.request.post(`${server.url}/api/v1/images/generate`, {
      data: { prompt, imageSize: "512x512" },
      headers: { Prefer: "respond-async", Origin: server.url },
    });
    return (await answer.json()).promptId as string;
  };
  for (let i = 0; i < 4; i++) await send(`running ${i}`);
  const ids = [];
  for (const name of names) ids.push(await send(name));
  const list = () => page.request.get(`${server.url}/api/v1/queue`).then((answer) => answer.json());
  await until(list, ({ running }) => running.length === 4);
  await page.goto(`${server.url}/queue`);
  await work({ visitor, url: server.url, ids });
  assert.deepEqual(complaints, []);
}

const shown = (page: Page) => page.locator("#waiting-rows .waiting .text").allInnerTexts();

async function shows(page: Page, order: string[]): Promise<void> {
  assert.deepEqual(await until(() => shown(page), (texts) => texts.join() === order.join()), order);
}

browserTest(
  "a row is moved by Alt and arrows, which says where it is and keeps its focus",
  () =>
    withQueue({}, async ({ visitor: { page } }) => {
      const focus = () => page.evaluate("document.activeElement.id") as Promise<string>;
      const handle = page.locator(".waiting", { hasText: "third" }).locator(".handle");
      await handle.focus();
      const id = await focus();
      await page.keyboard.press("Alt+ArrowUp");
      await shows(page, ["first", "third", "second", "fourth"]);
      await until(() => page.locator("#announcer").innerText(), (said) => said === "Moved to place 2.");
      await until(focus, (focused) => focused === id);
      await page.keyboard.press("Alt+ArrowUp");
      await shows(page, ["third", "first", "second", "fourth"]);
      await until(focus, (focused) => focused === id);
      await page.keyboard.press("Alt+ArrowDown");
      await shows(page, ["first", "third", "second", "fourth"]);
      await until(focus, (focused) => focused === id);
    }),
);

browserTest(
  "everything of the queue is reached by keyboard in the order in which it is seen",
  () =>
    withQueue({}, async ({ visitor: { page } }) => {
      await page.getByRole("button", { name: "Pause my queue" }).focus();
      const reached: string[] = [];
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press("Tab");
        reached.push(
          await page.evaluate(
            "document.activeElement.ariaLabel ?? (document.activeElement.innerText || document.activeElement.type)",
          ),
        );
      }
      assert.deepEqual(reached, [
        "Cancel all that wait",
        "Cancel",
        "Cancel",
        "Cancel",
        "Cancel",
        "Move: drag, or press Alt with ↑ or ↓",
        "checkbox",
        "Run next",
        "Up",
        "Down",
        "Cancel",
        "Move: drag, or press Alt with ↑ or ↓",
      ]);
    }),
);

browserTest(
  "a row is dragged to where it is dropped, and Escape leaves it where it was",
  () =>
    withQueue({}, async ({ visitor: { page } }) => {
      const boxOf = async (name: string, within = "") =>
        (await page.locator(".waiting", { hasText: name }).locator(`${within}:visible`).first()
          .boundingBox())!;
      const drag = async (name: string, onto: string) => {
        const from = await boxOf(name, ".handle");
        const to = await boxOf(onto, ".text");
        await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
        await page.mouse.down();
        await page.mouse.move(to.x + 20, to.y + to.height, { steps: 4 });
        await page.mouse.move(to.x + 20, to.y - 4, { steps: 4 });
      };
      await drag("fourth", "second");
      await page.mouse.up();
      await shows(page, ["first", "fourth", "second", "third"]);
      await drag("third", "first");
      await page.keyboard.press("Escape");
      await page.mouse.up();
      assert.deepEqual(await shown(page), ["first", "fourth", "second", "third"]);
    }),
);

browserTest(
  "what is done elsewhere arrives: a move, a pause, a cancel",
  () =>
    withQueue({}, async ({ visitor: { page }, url, ids }) => {
      const ask = (method: "post" | "patch", path: string, data?: object) =>
        page.request[method](`${url}/api/v1${path}`, { data, headers: { Origin: url } });
      await ask("patch", `/prompts/${ids[3]}`, { position: "front" });
      await shows(page, ["fourth", "first", "second", "third"]);
      await ask("post", "/queue/pause");
      await page.getByText("Your queue is paused.").waitFor();
      await page.getByRole("button", { name: "Resume my queue" }).waitFor();
      await page.getByText("waits: your queue is paused").first().waitFor();
      await ask("post", "/queue/cancel");
      await shows(page, []);
      await page.getByRole("button", { name: "Send all 4 again · free" }).click();
      await shows(page, ["fourth", "first", "second", "third"]);
      await page.getByRole("button", { name: "Resume my queue" }).click();
      await page.locator("#paused:empty").waitFor({ state: "attached" });
    }),
);

browserTest(
  "axe finds nothing where things wait and are paused, in any look",
  () =>
    withQueue({ bypassCSP: true }, async ({ visitor: { page } }) => {
      await page.locator(".confirm summary").click();
      await page.locator(".waiting .select").first().check();
      await page.getByRole("button", { name: "Pause my queue" }).click();
      await page.getByRole("button", { name: "Resume my queue" }).waitFor();
      await checkLooks(page, "paused /queue");
    }),
);

browserTest(
  "without scripts the queue is reordered, paused and cancelled by its forms",
  () =>
    withQueue({ javaScriptEnabled: false }, async ({ visitor: { page } }) => {
      const row = (name: string) => page.locator(".waiting", { hasText: name });
      assert.equal(await row("first").locator(".handle").isVisible(), false);
      await row("third").getByRole("button", { name: "Run next" }).click();
      await shows(page, ["third", "first", "second", "fourth"]);
      await row("third").getByRole("button", { name: "Down" }).click();
      await shows(page, ["first", "third", "second", "fourth"]);
      await row("first").locator(".select").check();
      await row("third").locator(".select").check();
      await page.getByRole("button", { name: "To the back" }).click();
      await shows(page, ["second", "fourth", "first", "third"]);
      await page.getByRole("button", { name: "Pause my queue" }).click();
      await page.getByText("Your queue is paused.").waitFor();
      await page.locator(".confirm summary").click();
      await page.getByRole("button", { name: "Cancel 4 prompts" }).click();
      await shows(page, []);
      await page.getByRole("button", { name: /^Send all 4 again/ }).click();
      await shows(page, ["second", "fourth", "first", "third"]);
    }),
);
