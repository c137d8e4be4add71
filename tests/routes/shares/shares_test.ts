import assert from "node:assert/strict";
import { mostLiveShares } from "../../../lib/shares/share.ts";
import { sweepShares } from "../../../lib/shares/share_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { createEditStandIn } from "../../fixtures/edit_stand_in.ts";
import { make, statusOf } from "../../fixtures/images.ts";
import { shareLink, stranger } from "../../fixtures/shares.ts";
import { createStudio, publicUrl } from "../../fixtures/studio.ts";

const dayMs = 24 * 3600 * 1000;

Deno.test("a link is made as usual where nothing is said, and shown again with its address", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { share, path } = await shareLink(owner, { imageIds: [id, id] });
  assert.match(path, /^\/s\/[\w-]{22}$/);
  assert.deepEqual(share, {
    id: share.id,
    url: publicUrl + path,
    images: 1,
    expires: new Date(clock.now() + 7 * dayMs).toISOString(),
    hasPassword: false,
    showPrompt: false,
    allowDownload: true,
    allowOriginal: false,
    allowRemix: false,
    note: "",
    views: 0,
    lastViewedOn: null,
    createdAt: new Date(clock.now()).toISOString(),
    endedAt: null,
  });
  assert.deepEqual((await (await owner.get(`/api/v1/shares/${share.id}`)).json()).share, share);
  const { shares, pagination } = await (await owner.get("/api/v1/shares")).json();
  assert.deepEqual([shares, pagination.total], [[share], 1]);
});

Deno.test("neither a token nor a password stands anywhere in the database", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  for await (const { key, value } of studio.store.kv.list({ prefix: [] })) {
    const stored = Deno.inspect([key, value], { depth: 20, strAbbreviateSize: 1e6 });
    assert.ok(!stored.includes(path.slice(3)) && !stored.includes("correct horse"), stored);
  }
});

Deno.test("what is no link that anybody could make is refused in words, and none is made", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const other = await studio.withKey(await studio.addMember());
  const { id } = await make(owner);
  const foreign = (await make(other)).id;
  const { board } = await (await other.post("/api/v1/boards", { name: "Theirs" })).json();
  const of = { imageIds: [id] };
  const cases: [fields: object, status: number][] = [
    [{}, 400],
    [{ imageIds: [] }, 400],
    [{ imageIds: Array(501).fill(id) }, 400],
    [{ imageIds: id }, 400],
    [{ ...of, boardId: id }, 400],
    [{ imageIds: ["nonsense"] }, 404],
    [{ imageIds: [id, foreign] }, 404],
    [{ boardId: board.id }, 404],
    [{ batchId: id }, 404],
    [{ ...of, password: "seven77" }, 400],
    [{ ...of, password: "x".repeat(201) }, 400],
    [{ ...of, password: "\ud800\ud800\ud800\ud800\ud800\ud800\ud800\ud800" }, 400],
    [{ ...of, password: 12345678 }, 400],
    [{ ...of, expires: "tomorrow" }, 400],
    [{ ...of, expires: "2020-01-01T00:00:00.000Z" }, 400],
    [{ ...of, expires: 7 }, 400],
    [{ ...of, note: "x".repeat(501) }, 400],
    [{ ...of, note: "bell\u0007" }, 400],
    [{ ...of, showPrompt: "yes" }, 400],
    [{ ...of, showCost: true }, 400],
    [{ ...of, userId: studio.owner.id }, 400],
    [{ ...of, __proto__: null, views: 7 }, 400],
  ];
  for (const [fields, status] of cases) {
    const answer = await owner.post("/api/v1/shares", fields);
    assert.equal(answer.status, status, JSON.stringify(fields).slice(0, 200));
    assert.equal((await answer.json()).success, false);
  }
  assert.equal((await (await owner.get("/api/v1/shares")).json()).pagination.total, 0);
});

Deno.test("markup, line breaks and turned writing in a note stay text on every page", async () => {
  await using studio = await createStudio();
  const owner = await studio.withSession();
  const { id } = await make(owner);
  const note = `<img src=x onerror=alert(1)>"'\n\u202Eevil\u202C {{x}} 👩‍👩‍👧‍👧`;
  const { path, id: shareId } = await shareLink(owner, { imageIds: [id], note });
  for (const page of [path, `${path}/1`]) {
    const text = await (await stranger(studio).get(page)).text();
    assert.ok(!text.includes("<img src=x") && text.includes("&lt;img src=x"));
  }
  for (const page of ["/shares", `/shares/${shareId}`]) {
    assert.ok(!(await (await owner.get(page)).text()).includes("<img src=x"), page);
  }
});

Deno.test("a link is changed and ended by its owner alone; what ended stays ended", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const other = await studio.withKey(await studio.addMember());
  const { id } = await make(owner);
  const link = await shareLink(owner, { imageIds: [id] });
  const path = `/api/v1/shares/${link.id}`;
  for (const answer of [other.get(path), other.patch(path, { note: "x" }), other.delete(path)]) {
    assert.equal(await statusOf(answer), 404);
  }
  const changes = {
    note: "New",
    showPrompt: true,
    allowDownload: false,
    expires: null,
    password: "correct horse",
  };
  const { share } = await (await owner.patch(path, changes)).json();
  const { password: _, ...told } = changes;
  assert.deepEqual({ ...share, ...told, hasPassword: true }, share);
  assert.equal(await statusOf(owner.patch(path, { imageIds: [id] })), 400);
  const ended = await (await owner.delete(path)).json();
  assert.notEqual(ended.share.endedAt, null);
  assert.deepEqual(await (await owner.delete(path)).json(), ended);
  assert.equal(await statusOf(owner.patch(path, { expires: null })), 409);
  assert.equal(await statusOf(stranger(studio).get(link.path)), 404);
});

Deno.test("two hundred links of a person work at once, also where the last are made together", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const fields = { imageIds: [id], expires: new Date(clock.now() + dayMs).toISOString() };
  const make200 = Array.from({ length: mostLiveShares + 10 }, () => owner.post("/api/v1/shares", fields));
  const statuses = await Promise.all(make200.map(statusOf));
  assert.equal(statuses.filter((status) => status === 201).length, mostLiveShares);
  assert.equal(statuses.filter((status) => status === 413).length, 10);
  clock.advance(dayMs);
  assert.equal(await statusOf(owner.post("/api/v1/shares", { imageIds: [id] })), 201);
  clock.advance(30 * dayMs);
  await sweepShares(studio.store);
  assert.equal((await (await owner.get("/api/v1/shares")).json()).pagination.total, 1);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("an open page hears within a second that its link has ended, whatever ended it", async () => {
  await using studio = await createStudio();
  const boss = await studio.withSession();
  const ways: ((things: { shareId: string; imageId: string; userId: string }) => Promise<unknown>)[] = [];
  const ada = await studio.addMember();
  const session = await studio.withSession(ada);
  ways.push(({ shareId }) => session.delete(`/api/v1/shares/${shareId}`));
  ways.push(({ imageId }) => session.delete(`/api/v1/images/${imageId}`));
  ways.push(({ shareId }) => session.patch(`/api/v1/shares/${shareId}`, { password: "correct horse" }));
  ways.push(({ shareId }) =>
    session.patch(`/api/v1/shares/${shareId}`, { expires: new Date(Date.now() + 300).toISOString() })
  );
  ways.push(({ userId }) => boss.form(`/admin/users/${userId}/disable`, {}));
  for (const [i, end] of ways.entries()) {
    for (const query of i < 2 ? ["", "?number=1"] : [""]) {
      const { id: imageId } = await make(session);
      const link = await shareLink(session, { imageIds: [imageId] });
      const answer = await stranger(studio).get(`${link.path}/live${query}`);
      assert.equal(answer.headers.get("Content-Type"), "text/event-stream");
      const heard = answer.text();
      const startedAt = Date.now();
      await end({ shareId: link.id, imageId, userId: ada.id });
      assert.match(await heard, /event: ended/);
      assert.ok(Date.now() - startedAt < 2000, `way ${i}: ${Date.now() - startedAt} ms`);
    }
  }
});

Deno.test("a picture is started from where its owner lets people, as an upload of their own", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const bob = await studio.withSession(await studio.addMember({ name: "Bob" }));
  const { id } = await make(owner, { prompt: "zebrafish" });
  const closed = await shareLink(owner, { imageIds: [id] });
  const open = await shareLink(owner, { imageIds: [id], allowRemix: true });
  const fields = ({ path }: { path: string }) => ({ link: path.slice(3), number: "1" });
  assert.doesNotMatch(await (await stranger(studio).get(closed.path)).text(), /Remix/);
  assert.match(await (await stranger(studio).get(open.path)).text(), /\/shares\/remix\?link=/);
  assert.equal(await statusOf(bob.form("/shares/remix", fields(closed))), 404);
  const answer = await bob.form("/shares/remix", fields(open));
  const [, copyId] = /^\/images\/([^/]+)\/edit\?as=words$/.exec(answer.headers.get("Location")!)!;
  assert.notEqual(copyId, id);
  const copy = await (await bob.get(`/images/${copyId}`)).text();
  assert.doesNotMatch(copy, /zebrafish/);
  await owner.delete(`/api/v1/shares/${open.id}`);
  assert.equal(await statusOf(bob.form("/shares/remix", fields(open))), 404);
  assert.equal(await statusOf(bob.get(`/images/${copyId}`)), 200);
});

Deno.test("only the very number of a shared picture starts something from it", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const [one, two] = [await make(owner), await make(owner)];
  const { path } = await shareLink(owner, { imageIds: [one.id, two.id], allowRemix: true });
  const bob = await studio.withSession(await studio.addMember({ name: "Bob" }));
  for (const number of ["0", "-1", "3", "1.5", "1e0", "0x1", "x", "", " 1"]) {
    const fields = { link: path.slice(3), number };
    assert.equal(await statusOf(bob.form("/shares/remix", fields)), 404, number);
    assert.equal(await statusOf(bob.get(`/shares/remix?${new URLSearchParams(fields)}`)), 404, number);
  }
});

Deno.test("what was started from a shared picture says so in its line, and whose it was nowhere", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const ada = await studio.addMember({ name: "Ada" });
  const session = await studio.withSession(ada);
  const { id } = await make(session);
  const link = await shareLink(session, { imageIds: [id], allowRemix: true });
  const bob = await studio.withSession(await studio.addMember({ name: "Bob" }));
  const answer = await bob.form("/shares/remix", { link: link.path.slice(3), number: "1" });
  const [, copyId] = /^\/images\/([^/]+)\/edit/.exec(answer.headers.get("Location")!)!;
  const changed = await make(bob, { imageSize: undefined, sources: [{ id: copyId }] });
  await session.delete(`/api/v1/shares/${link.id}`);
  for (const imageId of [copyId, changed.id]) {
    for (const page of [`/images/${imageId}`, `/images/${imageId}/lineage`]) {
      const text = await (await bob.get(page)).text();
      assert.match(text, /A remix after a shared picture/, page);
      for (const hidden of ["Ada", ada.id, id, link.id]) {
        assert.ok(!text.includes(hidden), `${hidden} on ${page}`);
      }
    }
    const { nodes } = await (await bob.get(`/api/v1/images/${imageId}/lineage`)).json();
    const ofShare = { kind: "share", publicationId: null, title: null, author: null };
    assert.deepEqual(nodes.find((node: { id: string }) => node.id === imageId).remixOf, ofShare);
  }
});

Deno.test("where sharing is off nothing offers it", async () => {
  await using studio = await createStudio();
  const owner = await studio.withSession();
  const { id } = await make(owner);
  const { board } = await (await owner.post("/api/v1/boards", { name: "Harbours" })).json();
  await owner.post(`/api/v1/boards/${board.id}/images`, { imageIds: [id] });
  const { batchId } = await (await owner.post("/api/v1/batches", { prompts: ["a fox"] })).json();
  await (await owner.get(`/api/v1/batches/${batchId}/events`)).text();
  await using off = await createStudio({ sharing: "off", kv: studio.store.kv, isWorking: false });
  const there = await off.withSession();
  const pages = [`/images/${id}`, "/gallery", `/boards/${board.id}`, `/batches/${batchId}`, "/dashboard"];
  for (const page of pages) {
    const offers = /\/shares/;
    const [open, closed] = [await (await owner.get(page)).text(), await (await there.get(page)).text()];
    assert.match(open.replace(/<nav[^]*?<\/nav>/, ""), offers, page);
    assert.doesNotMatch(closed, offers, page);
  }
});

Deno.test("a report of a link reaches its owner and the admins, once, and says nothing of who sent it", async () => {
  await using studio = await createStudio();
  const ada = await studio.addMember({ name: "Ada" });
  const session = await studio.withSession(ada);
  const { id } = await make(session);
  const { path } = await shareLink(session, { imageIds: [id] });
  const guest = stranger(studio);
  const report = (fields: Record<string, string>) =>
    guest.send(`${path}/report`, { method: "POST", body: new URLSearchParams(fields) });
  assert.equal(await statusOf(report({ reason: "nonsense" })), 400);
  assert.equal(await statusOf(report({ reason: "hate", text: "<b>bad</b>" })), 200);
  assert.equal(await statusOf(report({ reason: "hate" })), 200);
  const noticesOf = async (client: typeof session) =>
    (await (await client.get("/api/v1/notices")).json()).notices.map(({ text }: { text: string }) => text);
  assert.deepEqual(await noticesOf(session), ["Your link was reported (hate: <b>bad</b>)"]);
  assert.deepEqual(await noticesOf(await studio.withSession()), [
    "A link that Ada shares was reported (hate: <b>bad</b>)",
  ]);
});

Deno.test("the pages make, show, change and end a link without a script", async () => {
  await using studio = await createStudio();
  const owner = await studio.withSession();
  const { id } = await make(owner);
  const chooser = await (await owner.get(`/shares/new?image=${id}`)).text();
  assert.match(chooser, new RegExp(`name="imageIds" value="${id}"`));
  const short = await owner.form("/shares", { imageIds: id, password: "short", note: "Kept" });
  assert.equal(short.status, 400);
  const again = await short.text();
  assert.match(again, /password must be 8 to 200 characters/);
  assert.match(again, /Kept/);
  const made = await owner.form("/shares", {
    imageIds: id,
    expires: "1h",
    allowDownload: "true",
    note: "Look",
  });
  const place = made.headers.get("Location")!;
  assert.match(place, /^\/shares\/[0-9a-f-]{36}$/);
  const page = await (await owner.get(place)).text();
  const [, address] = new RegExp(`id="address" href="(${publicUrl}/s/[^"]+)"`).exec(page)!;
  assert.equal(await statusOf(stranger(studio).get(new URL(address).pathname)), 200);
  assert.match(await (await owner.get("/shares")).text(), /Look/);
  await owner.form(place, { note: "Changed", expires: "" });
  assert.match(await (await owner.get(place)).text(), /Changed/);
  await owner.form(`${place}/end`, {});
  assert.match(await (await owner.get(place)).text(), /This link has ended/);
  assert.equal(await statusOf(stranger(studio).get(new URL(address).pathname)), 404);
});

Deno.test("a batch's link shows the pictures with stars, or all that were not rejected", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const answer = await owner.post("/api/v1/batches", { prompts: ["one", "two", "three"] });
  const { batchId } = await answer.json();
  await (await owner.get(`/api/v1/batches/${batchId}/events`)).text();
  const { images } = await (await owner.get("/api/v1/images")).json();
  const count = async () => (await shareLink(owner, { batchId })).share.images;
  assert.equal(await count(), 3);
  await owner.patch(`/api/v1/images/${images[0].imageId}`, { rating: -1 });
  assert.equal(await count(), 2);
  await owner.patch(`/api/v1/images/${images[1].imageId}`, { rating: 4 });
  assert.equal(await count(), 1);
});
