import assert from "node:assert/strict";
import { Hono } from "hono";
import { correctCharge } from "../../../lib/accounts/correct_charge.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { fillTints } from "../../../lib/images/fill_tints.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createApp } from "../../../routes/app.ts";
import type { AppEnv } from "../../../routes/http/context.ts";
import { createReadyPages } from "../../../routes/http/ready_pages.ts";
import { make } from "../../fixtures/images.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

/** A page of named parts, each of which says how often it was rendered. */
function createPage({ most }: { most: number }) {
  const pages = createReadyPages({ most });
  const renderings = new Map<string, number>();
  const app = new Hono<AppEnv>().get("/", (c) =>
    pages.answer(c, (ready) => (
      <ul title={c.req.query("title")}>
        {c.req.queries("part")?.map((name) =>
          ready(name === "unnamed" ? null : name, () => {
            renderings.set(name, (renderings.get(name) ?? 0) + 1);
            return <li>{name} {renderings.get(name)}</li>;
          })
        )}
      </ul>
    )));
  return {
    async show(parts: string[], title = "parts") {
      const query = new URLSearchParams([["title", title], ...parts.map((part) => ["part", part])]);
      const answer = await app.request(`/?${query}`);
      assert.equal(answer.headers.get("Content-Type"), "text/html; charset=UTF-8");
      return await answer.text();
    },
  };
}

Deno.test("a part is rendered once under its name, and each time without one", async () => {
  const page = createPage({ most: 10 });
  const first = '<ul title="parts"><li>sea 1</li><li>unnamed 1</li><li>海 &lt;b&gt; 1</li></ul>';
  assert.equal(await page.show(["sea", "unnamed", "海 <b>"]), first);
  assert.equal(await page.show(["sea", "unnamed", "海 <b>"]), first.replace("unnamed 1", "unnamed 2"));
  assert.equal(
    await page.show(["海 <b>", "sea", "sea"]),
    '<ul title="parts"><li>海 &lt;b&gt; 1</li><li>sea 1</li><li>sea 1</li></ul>',
  );
  assert.equal(await page.show([]), '<ul title="parts"></ul>');
});

Deno.test("no more parts are kept than there is room for, and a page may have more", async () => {
  const page = createPage({ most: 2 });
  const list = (...items: string[]) =>
    `<ul title="parts">${items.map((item) => `<li>${item}</li>`).join("")}</ul>`;
  assert.equal(await page.show(["a", "b", "c"]), list("a 1", "b 1", "c 1"));
  assert.equal(await page.show(["b", "c"]), list("b 1", "c 1"));
  assert.equal(await page.show(["a"]), list("a 2"));
  assert.equal(await page.show(["c", "b"]), list("c 1", "b 2"));
});

Deno.test("what people write stands for no part", async () => {
  const page = createPage({ most: 10 });
  const title = "<ready 0> &lt;ready 0> \0";
  const html = await page.show(["sea", "<ready 0>"], title);
  assert.equal(
    html,
    '<ul title="&lt;ready 0&gt; &amp;lt;ready 0&gt; \0"><li>sea 1</li><li>&lt;ready 0&gt; 1</li></ul>',
  );
});

const tenMinutes = 600_000;

Deno.test("pages show each change at once, as a server does that has just started", async () => {
  let at = Date.parse("2026-11-25T12:00:00Z");
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("outcome_unknown", "lost", { outcome: "unknown" })));
  await using studio = await createStudio({ standIn, now: () => at });
  const { store, owner, blobs } = studio;
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const member = await studio.addMember();
  const [memberProgram, memberSession] = [await studio.withKey(member), await studio.withSession(member)];

  let last = "";
  async function compare(what: string) {
    for (const { credential, get } of [session, memberSession]) {
      for (const path of ["/generator", "/gallery", "/gallery?q=lighthouse", "/gallery/part"]) {
        const own = (html: string) => html.replace(/name="requestKey" value="[^"]+"/, "");
        const shown = own(await (await get(path)).text());
        const request = new Request(studio.deps.publicUrl + path, { headers: { Cookie: credential } });
        const expected = own(await (await createApp(studio.deps).fetch(request)).text());
        assert.equal(shown, expected, `${path}: ${what}`);
        if (path === "/generator" && credential === session.credential) {
          assert.notEqual(shown, last, `${what} does not show`);
          last = shown;
        }
      }
    }
  }

  await compare("nothing yet");
  const lost = await submit(program);
  await finished(program, lost);
  await compare("a charge in doubt");
  await correctCharge(store, { promptId: lost, billedMicros: 12_500, by: owner.id, note: "invoice 7" });
  await compare("a charge put right");
  const { id } = await make(program, { prompt: "a lighthouse <ready 0>" });
  await make(memberProgram, { prompt: "a lighthouse of somebody else" });
  await compare("a picture");
  await deleteImage(store, { id });
  await compare("a deletion");
  at += tenMinutes - 1;
  await undoDeletion(store, { userId: owner.id, imageId: id });
  await compare("a deletion undone");
  const { value } = (await readImage(store, id))!;
  await store.kv.set(keys.image(id), { ...value, tint: null });
  await compare("a picture without a tint");
  // Housekeeping may have been by already.
  await store.kv.delete(keys.tintsFilled());
  await fillTints({ store, blobs });
  await compare("a tint");
  const released = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(released.promise));
  const held = await submit(program);
  await until(() => read(program, held), ({ stage }) => stage === "generating");
  await compare("a prompt that runs");
  studio.deps.progress.report({ id: held, userId: owner.id }, { percent: 42 });
  await compare("its progress");
  released.resolve();
  await finished(program, held);
  await compare("its end");
  await studio.setUser({ ...owner, timeZone: "Asia/Tokyo" });
  await compare("a time zone");
  const mine = await (await session.get("/generator")).text();
  assert.ok(mine.includes("a lighthouse &lt;ready 0&gt;") && !mine.includes("somebody else"));
});
