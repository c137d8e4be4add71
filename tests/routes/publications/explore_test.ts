/** The public gallery through the front door: who sees what, what the pages say, and that nothing outlives its end. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { readImage } from "../../../lib/images/image_store.ts";
import { make } from "../../fixtures/images.ts";
import { type Client, createStudio, publicUrl, type Studio } from "../../fixtures/studio.ts";
import { createEditingStandIn, plainPng, sendUpload } from "../../fixtures/uploads.ts";

interface Scene extends AsyncDisposable {
  studio: Studio;
  author: Client;
  other: Client;
  moderator: Client;
  publish(fields?: object): Promise<{ id: string; imageId: string }>;
  /** Statuses for nobody, the other member, the author and the moderator. */
  seen(path: string): Promise<number[]>;
  /** As nobody. */
  text(path: string): Promise<string>;
}

async function setScene({ galleryMode = "review" as "review" | "open" | "off" } = {}): Promise<Scene> {
  const studio = await createStudio({ galleryMode, standIn: createEditingStandIn() });
  const author = await studio.withSession(await studio.addMember({ name: "Ada <i>L</i>" }));
  const other = await studio.withSession(await studio.addMember({ name: "Bob" }));
  const moderator = await studio.withSession(await studio.addMember({ name: "Mod", isModerator: true }));
  const statusOf = async (answer: Promise<Response>) => {
    const { status, body } = await answer;
    await body?.cancel();
    return status;
  };
  return {
    studio,
    author,
    other,
    moderator,
    async publish(fields = {}) {
      const { id: imageId } = await make(author, { prompt: "a secret recipe" });
      const answer = await author.post("/api/v1/publications", { imageId, title: "Fox at dusk", ...fields });
      return { id: (await answer.json()).publication.id, imageId };
    },
    seen: (path) =>
      Promise.all([studio.fetch(path), other.get(path), author.get(path), moderator.get(path)].map(statusOf)),
    text: async (path) => await (await studio.fetch(path)).text(),
    [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose](),
  };
}

const decide = (by: Client, id: string, decision: object) =>
  by.post(`/api/v1/publications/${id}/decision`, decision);

Deno.test("what waits is seen at none of its addresses but by its author and moderators, and then by all", async () => {
  await using scene = await setScene();
  const { id } = await scene.publish({ showPrompt: true });
  const paths = ["", "/file", "/file?width=320", "/file?width=640"].map((end) => `/explore/${id}${end}`);
  for (const path of [...paths, `/api/v1/publications/${id}`]) {
    assert.deepEqual(await scene.seen(path), [404, 404, 200, 200], path);
  }
  for (const path of [`/explore/${id}/card.jpg`, `/explore/${id}/report`]) {
    assert.deepEqual((await scene.seen(path)).slice(0, 2), [404, 404], path);
  }
  for (const path of ["/explore", "/explore?sort=remixed", "/api/v1/publications"]) {
    assert.ok(!(await scene.text(path)).includes(id), path);
  }
  assert.equal((await decide(scene.other, id, { state: "SHOWN" })).status, 404);
  assert.equal((await decide(scene.moderator, id, { state: "SHOWN" })).status, 200);
  for (const path of [...paths, `/explore/${id}/card.jpg`, `/api/v1/publications/${id}`]) {
    assert.deepEqual(await scene.seen(path), [200, 200, 200, 200], path);
  }
  assert.ok((await scene.text("/explore")).includes("Fox at dusk"));
});

Deno.test("a moderator sees no picture that is not published, and a published one at its own address alone", async () => {
  await using scene = await setScene();
  const { id, imageId } = await scene.publish();
  for (const path of [`/images/${imageId}`, `/api/v1/images/${imageId}`, `/api/v1/images/${imageId}/file`]) {
    assert.equal((await scene.moderator.get(path)).status, 404, path);
  }
  const page = await scene.text(`/explore/${id}`) +
    await (await scene.moderator.get(`/explore/${id}`)).text();
  assert.ok(!page.includes(imageId));
  const { publication } = await (await scene.moderator.get(`/api/v1/publications/${id}`)).json();
  assert.deepEqual([publication.imageId, publication.author], [null, "Ada <i>L</i>"]);
});

Deno.test("a prompt is told where its author shows it, and else nowhere, not even in the files", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const [hidden, shown] = [await scene.publish(), await scene.publish({ showPrompt: true })];
  const read = ({ id }: { id: string }) =>
    [`/explore/${id}`, `/explore/${id}/file`, `/explore/${id}/card.jpg`, `/api/v1/publications/${id}`].map(
      scene.text,
    );
  for (const text of await Promise.all(read(hidden))) assert.ok(!text.includes("secret recipe"));
  const [page, file, , json] = await Promise.all(read(shown));
  assert.ok(
    page.includes("secret recipe") && json.includes("secret recipe") && !file.includes("secret recipe"),
  );
  assert.ok(page.includes("AI (stand-in)"));
});

Deno.test("files are marked, kept for minutes at most, and end with the publication, its picture or its author", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const ends: ((shown: { id: string; imageId: string }) => Promise<unknown>)[] = [
    ({ id }) => scene.author.delete(`/api/v1/publications/${id}`),
    ({ id }) => decide(scene.moderator, id, { state: "HIDDEN", reason: "no" }),
    ({ imageId }) => scene.author.delete(`/api/v1/images/${imageId}`),
    ({ id }) =>
      scene.studio.fetch(`/api/v1/publications/${id}/report`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ reason: "minors", text: "" }),
      }),
  ];
  for (const end of ends) {
    const shown = await scene.publish();
    const path = `/explore/${shown.id}/file`;
    const answer = await scene.studio.fetch(path);
    assert.equal(answer.headers.get("Cache-Control"), "private, max-age=300");
    assert.match(answer.headers.get("Content-Security-Policy")!, /sandbox/);
    const { xmp } = await sharp(new Uint8Array(await answer.arrayBuffer())).metadata();
    assert.match(xmp!.toString(), /trainedAlgorithmicMedia/);
    await end(shown);
    for (const each of [path, `/explore/${shown.id}`, `/explore/${shown.id}/card.jpg`]) {
      const gone = await scene.studio.fetch(each, {
        headers: { "If-None-Match": answer.headers.get("ETag")! },
      });
      assert.equal(gone.status, 404, each);
      await gone.body?.cancel();
    }
  }
});

Deno.test("what is sensitive is covered, and on no card", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const { id } = await scene.publish({ sensitive: true });
  const page = await scene.text(`/explore/${id}`);
  assert.match(page, /<details class="covered">/);
  assert.match(page, /og:title" content="A picture made with Darkroom"/);
  assert.match(await scene.text("/explore"), /<details class="covered">/);
  const plain = await scene.publish();
  const [card, other] = await Promise.all([id, plain.id].map(async (each) => {
    const answer = await scene.studio.fetch(`/explore/${each}/card.jpg`);
    return new Uint8Array(await answer.arrayBuffer());
  }));
  assert.notDeepEqual(card, other);
  const { width, height } = await sharp(card).metadata();
  assert.deepEqual([width, height], [1200, 630]);
  const open = await scene.text(`/explore/${plain.id}`);
  assert.ok(open.includes(`og:image" content="${publicUrl}/explore/${plain.id}/card.jpg"`));
  const { publications } = JSON.parse(await scene.text("/api/v1/publications"));
  assert.deepEqual(publications.map(({ sensitive }: { sensitive: boolean }) => sensitive), [false, true]);
});

Deno.test("titles, names and reasons stay text wherever they appear", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const title = `"><script>alert(1)</script> & <b hx-get="/x">`;
  const { id } = await scene.publish({ title });
  await scene.moderator.form("/admin/moderation/mode", { on: "1" });
  for (const path of ["/explore", `/explore/${id}`, `/explore/${id}/report`]) {
    const page = await scene.text(path);
    assert.ok(!page.includes("<script>alert") && !page.includes("<b hx-get") && !page.includes("<i>L"), path);
  }
  await decide(scene.moderator, id, { state: "REFUSED", reason: `<img src=x onerror=alert(1)>\nsecond` });
  const page = await (await scene.author.get("/published")).text();
  assert.ok(page.includes("&lt;img src=x") && !page.includes("<img src=x"));
});

Deno.test("a remix is filled with what is shown, credits it, and says withdrawn once that is gone", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const { id } = await scene.publish({ showPrompt: true, allowRemix: true });
  const form = await (await scene.other.get(`/generator?remix=${id}`)).text();
  assert.ok(
    form.includes("a secret recipe") && form.includes(`value="${id}"`) && form.includes("Fox at dusk"),
  );
  const fields = { prompt: "a fox", imageSize: "512x512", model: "stand-in", count: "1", remixOf: id };
  assert.equal((await scene.other.form("/generator", fields)).status, 303);
  const made = await make(scene.other, { remixOf: id });
  const { publication } = JSON.parse(await scene.text(`/api/v1/publications/${id}`));
  assert.equal(publication.remixes, 2);
  const lineage = async () =>
    (await (await scene.other.get(`/api/v1/images/${made.id}/lineage`)).json()).nodes[0].remixOf;
  assert.deepEqual(await lineage(), {
    kind: "publication",
    publicationId: id,
    title: "Fox at dusk",
    author: "Ada <i>L</i>",
  });
  await scene.author.delete(`/api/v1/publications/${id}`);
  assert.deepEqual(await lineage(), { kind: "publication", publicationId: id, title: null, author: null });
  assert.match(await (await scene.other.get(`/images/${made.id}`)).text(), /withdrawn/);
  assert.equal((await scene.other.post("/api/v1/images/generate", { prompt: "x", remixOf: id })).status, 404);
  assert.equal((await scene.other.form("/generator", { ...fields, prompt: "another" })).status, 303);
});

Deno.test("the picture is remixed as a copy of one's own, which is nobody's to publish as it is", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const { id, imageId } = await scene.publish({ allowRemix: true });
  assert.equal((await scene.other.get(`/generator?remix=${id}`)).status, 404);
  const answer = await scene.other.form(`/explore/${id}/remix`, {});
  const address = new URL(answer.headers.get("Location")!, publicUrl);
  const copy = address.searchParams.get("source")!;
  assert.notEqual(copy, imageId);
  assert.equal((await scene.other.get(`/images/${copy}`)).status, 200);
  assert.equal(
    (await scene.other.post("/api/v1/publications", { imageId: copy, title: "Mine" })).status,
    409,
  );
  const changed = await make(scene.other, { sources: [{ id: copy }], imageSize: undefined });
  const { prompt } = await (await scene.other.get(`/api/v1/prompts/${changed.promptId}`)).json();
  assert.equal(prompt.remixOf, id);
  assert.equal(
    (await scene.other.post("/api/v1/publications", { imageId: changed.id, title: "After it" })).status,
    201,
  );
  const closed = await scene.publish();
  assert.equal((await scene.other.form(`/explore/${closed.id}/remix`, {})).status, 403);
  assert.equal((await scene.studio.fetch(`/explore/${id}/remix`, { method: "POST" })).status, 303);
  assert.notEqual(await readImage(scene.studio.store, copy), null);
});

Deno.test("an upload, and what is made from one, is published by who says that they have the right to it", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const bytes = await plainPng({ width: 512, height: 512 });
  const { image } = await (await sendUpload(scene.author, bytes)).json();
  const edit = await make(scene.author, { sources: [{ id: image.id }], imageSize: undefined });
  for (const imageId of [image.id, edit.id]) {
    const fields = { imageId, title: "Photo" };
    const refused = await scene.author.post("/api/v1/publications", fields);
    assert.equal(refused.status, 400);
    assert.equal((await refused.json()).error.message, "Do you have the right to this photo?");
    assert.match(
      await (await scene.author.get(`/images/${imageId}`)).text(),
      /Do you have the right to this photo/,
    );
    const page = await scene.author.form("/published", { ...fields, sensitive: "on" });
    assert.equal(page.status, 400);
    assert.match(await page.text(), /value="Photo"/);
    assert.equal((await scene.author.form("/published", { ...fields, hasRight: "on" })).status, 303);
  }
});

Deno.test("moderating is switched on first, and each decision holds for what was looked at", async () => {
  await using scene = await setScene();
  const { id } = await scene.publish();
  const path = `/admin/moderation/${id}`;
  const off = await (await scene.moderator.get(path)).text();
  assert.ok(off.includes("Start moderating") && !off.includes("Fox at dusk"));
  assert.equal((await scene.moderator.form(path, { action: "keep" })).status, 403);
  const on = await scene.moderator.form("/admin/moderation/mode", { on: "1" });
  const cookie = on.headers.get("Set-Cookie")!.split(";")[0];
  const Cookie = `${scene.moderator.credential}; ${cookie}`;
  const send = (fields: Record<string, string>) => scene.moderator.form(path, fields, { Cookie });
  const page = await (await scene.moderator.get(path, { Cookie })).text();
  assert.ok(page.includes("Fox at dusk") && page.includes('<details class="covered">'));
  await scene.author.patch(`/api/v1/publications/${id}`, { title: "Something worse" });
  assert.equal((await send({ action: "keep", revision: "1" })).status, 409);
  assert.equal((await send({ action: "refuse", revision: "2", reason: "" })).status, 400);
  assert.equal((await send({ action: "sensitive", revision: "2" })).status, 303);
  assert.equal((await scene.studio.fetch(`/explore/${id}`)).status, 404);
  assert.equal((await send({ action: "title", title: "Milder", revision: "2" })).status, 303);
  assert.equal((await send({ action: "keep", revision: "2" })).status, 303);
  assert.match(await scene.text(`/explore/${id}`), /Milder/);
  const foreign = `${scene.author.credential}; ${cookie}`;
  assert.equal((await scene.author.get("/admin/moderation", { Cookie: foreign })).status, 404);
});

Deno.test("anybody reports, as often as six times a minute, and learns what comes of it", async () => {
  await using scene = await setScene({ galleryMode: "open" });
  const { id } = await scene.publish();
  const report = (from: string, reason = "spam") =>
    scene.studio.fetch(`/explore/${id}/report`, {
      method: "POST",
      body: new URLSearchParams({ reason, text: "see" }),
    }, from);
  const answer = await report("198.51.100.1");
  const state = await scene.text(answer.headers.get("Location")!);
  assert.match(state, /No moderator has looked at it yet/);
  assert.equal((await report("198.51.100.1", "ugly")).status, 400);
  for (let i = 0; i < 4; i++) await report("198.51.100.1");
  assert.equal((await report("198.51.100.1")).status, 429);
  assert.equal((await report("198.51.100.2")).status, 303);
  assert.equal((await scene.studio.fetch(`/explore/${id}`)).status, 200);
  await decide(scene.moderator, id, { state: "HIDDEN", reason: "spam" });
  assert.match(await scene.text(answer.headers.get("Location")!), /is not shown any more/);
});

Deno.test("where the gallery is switched off again, none of its addresses is there, and its records stay", async () => {
  await using off = await createStudio();
  const client = await off.withSession();
  const id = off.store.ids();
  const paths = [
    "/explore",
    `/explore/${id}`,
    `/explore/${id}/file`,
    `/reports/${id}`,
    "/published",
    "/admin/moderation",
  ];
  for (
    const path of [...paths, "/api/v1/publications", `/api/v1/publications/${id}`, `/api/v1/reports/${id}`]
  ) {
    assert.equal((await client.get(path)).status, 404, path);
  }
  assert.equal((await client.post("/api/v1/publications", { imageId: id, title: "Fox" })).status, 404);
  const { id: imageId } = await make(client);
  assert.doesNotMatch(await (await client.get(`/images/${imageId}`)).text(), /Publish/);
  assert.doesNotMatch(await (await off.fetch("/")).text(), /explore/);
});
