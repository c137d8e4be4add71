import assert from "node:assert/strict";
import { tellPerson } from "../../../lib/users/notice.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";

const hostile = '<img src=x onerror=alert(1)> & \u202etxt.exe "👩‍👩‍👧"';

const tell = ({ store, owner }: Studio, words: string, userId = owner.id) =>
  tellPerson(store, { userId, kind: "mention", href: "/boards", words, byId: null });

Deno.test("the bell says on every page how many notices are new, and the page of them what they say", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const bell = /id="new-notices" class="badge">(\d*)/;
  assert.equal(bell.exec(await (await session.get("/gallery")).text())![1], "");
  assert.match(await (await session.get("/notices")).text(), /Nothing yet/);
  await tell(studio, hostile);
  assert.equal(bell.exec(await (await session.get("/gallery")).text())![1], "1");
  const page = await (await session.get("/notices")).text();
  assert.match(page, /<a href="\/boards" dir="auto">/);
  assert.match(page, /&lt;img src=x onerror=alert\(1\)&gt; &amp;/);
  assert.doesNotMatch(page, /<img src=x/);
});

Deno.test("looking at notices changes nothing; marking them as seen does, for oneself", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const other = await studio.addMember();
  await tell(studio, "for the owner");
  await tell(studio, "for somebody else", other.id);
  const read = async () => await (await session.get("/api/v1/notices")).json();
  await session.get("/notices");
  const [notice] = (await read()).notices;
  assert.deepEqual([notice.text, notice.kind, notice.href, notice.seenAt], [
    "for the owner",
    "mention",
    "/boards",
    null,
  ]);
  const answer = await session.form("/notices/seen", {});
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/notices"]);
  const after = await read();
  assert.deepEqual([after.new, after.notices.length, after.notices[0].seenAt !== null], [0, 1, true]);
  const theirs = await (await (await studio.withSession(other)).get("/api/v1/notices")).json();
  assert.equal(theirs.new, 1);
});

Deno.test("a notice reaches open pages by itself, and pages that look by themselves", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const stream = readEventStream(await session.get("/events?page=notices&since=" + "0".repeat(20)));
  const since = /data-cursor="(\w+)"/.exec(await (await session.get("/notices")).text())![1];
  await tell(studio, "Ada named you");
  const { data } = await stream.find(({ data }) => data.includes("new-notices") && data.includes(">1<span"));
  assert.match(data, /hx-get="\/notices\/list"/);
  await stream.cancel();
  const missed = await (await session.get(`/events/missed?page=gallery&since=${since}`)).json();
  assert.match(missed.fragments, /id="new-notices" class="badge">1</);
  assert.match(await (await session.get("/notices/list")).text(), /Ada named you/);
});

Deno.test("notices are read page by page, each with a cursor of one's own", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  for (const words of ["one", "two", "three"]) await tell(studio, words);
  const first = await (await session.get("/api/v1/notices?limit=2")).json();
  assert.deepEqual(first.notices.map(({ text }: { text: string }) => text), ["three", "two"]);
  const { next } = first.pagination;
  const second = await (await session.get(`/api/v1/notices?limit=2&cursor=${next}`)).json();
  assert.deepEqual(second.notices.map(({ text }: { text: string }) => text), ["one"]);
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.get(`/api/v1/notices?limit=2&cursor=${next}`)).status, 400);
});
