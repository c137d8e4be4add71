import assert from "node:assert/strict";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { createSeal } from "../../../lib/seal.ts";
import { isPreviewRobot, previewRobots } from "../../../lib/shares/preview_robots.ts";
import { newShareInput, shareChanges } from "../../../lib/shares/share.ts";
import {
  changeShare,
  createShare,
  endShare,
  findShare,
  listShares,
} from "../../../lib/shares/share_store.ts";
import { createShareToken, hashOfToken } from "../../../lib/shares/share_token.ts";
import { createShareViews } from "../../../lib/shares/share_views.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createTestStore, createTestUser } from "../../fixtures/store.ts";

const log = () => {};

async function createShared() {
  const store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const { id: boardId } = await createBoard(store, { userId, name: "Foxes", description: "" });
  const tokens = createSeal({ secret: "x".repeat(40), purpose: "share tokens" });
  const create = () => createShare({ store, tokens }, { userId, boardId });
  return { store, userId, tokens, create, [Symbol.dispose]: () => store[Symbol.dispose]() };
}

Deno.test("looks are added up, told before they are written, and of a share that is gone nothing is left", async () => {
  using shared = await createShared();
  const { store, create } = shared;
  const [share, other] = [await create(), await create()];
  const views = createShareViews({ store, log });
  for (let i = 0; i < 3; i++) views.count(share);
  views.count(other);
  const day = new Date(store.now()).toISOString().slice(0, 10);
  assert.deepEqual(await views.read([share.hash, "nobody's"]), [
    { views: 3, lastViewedOn: day },
    { views: 0, lastViewedOn: null },
  ]);
  await store.kv.delete(keys.share(other.hash));
  await views.stop();
  views.count(share);
  await views.stop();
  assert.deepEqual(await views.read([share.hash]), [{ views: 4, lastViewedOn: day }]);
  assert.equal((await store.kv.get<Deno.KvU64>(keys.shareViews(other.hash))).value?.value, 0n);
});

Deno.test("an address can't be guessed, and the database holds none that could be opened", async () => {
  using shared = await createShared();
  const { store, tokens, create } = shared;
  const drawn = new Set(Array.from({ length: 1000 }, createShareToken));
  assert.equal(drawn.size, 1000);
  for (const token of drawn) assert.match(token, /^[\w-]{22}$/);
  const share = await create();
  const token = await tokens.unseal(share.sealed);
  assert.ok(token !== null && hashOfToken(token) === share.hash);
  for await (const { key, value } of store.kv.list({ prefix: [] })) {
    assert.ok(
      !`${key} ${JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part)}`
        .includes(token),
    );
  }
});

Deno.test("a share that has ended stays ended, whatever is changed", async () => {
  using shared = await createShared();
  const { store, userId, tokens, create } = shared;
  const { id: shareId } = await create();
  const named = { userId, shareId };
  const ended = await endShare(store, named);
  assert.equal(ended.endedAt, store.now());
  store.clock.advance(1000);
  assert.equal((await endShare(store, named)).endedAt, ended.endedAt);
  await assert.rejects(changeShare(store, named, { note: "again" }), { code: "conflict" });
  assert.equal((await findShare(store, named)).value.note, "");
  await assert.rejects(findShare(store, { ...named, userId: "another" }), { code: "not_found" });
  assert.equal((await listShares(store, { userId, limit: 10 })).items.length, 1);
  assert.equal(await tokens.unseal("nonsense").catch(() => null), null);
});

Deno.test("robots that fetch previews are known, and people with their browsers are not", () => {
  for (const name of previewRobots) assert.ok(isPreviewRobot(`Mozilla/5.0 (compatible; ${name}/1.0)`), name);
  for (
    const person of [
      undefined,
      "",
      "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Mobile/15E148 Safari/604.1",
      "Mozilla/5.0 (Linux; Android 15; CUBOT X90) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
    ]
  ) assert.equal(isPreviewRobot(person), false, person);
});

const accepts = (given: unknown) => newShareInput.safeParse(given).success;

Deno.test("what a share is of and how it ends is written as it is meant, or refused", () => {
  assert.ok(accepts({ imageIds: ["a"], expires: "2026-12-07T00:00:00.000Z", password: "12345678" }));
  assert.ok(accepts({ boardId: "b", expires: null, password: null, note: "🦊".repeat(500) }));
  for (
    const bad of [
      { imageIds: [] },
      { imageIds: Array.from({ length: 501 }, () => "a") },
      { imageIds: "a" },
      { boardId: 7 },
      { boardId: "b", expires: "tomorrow" },
      { boardId: "b", expires: 1 },
      { boardId: "b", password: "1234567" },
      { boardId: "b", password: "x".repeat(201) },
      { boardId: "b", password: "\ud800".repeat(8) },
      { boardId: "b", note: "🦊".repeat(501) },
      { boardId: "b", note: "a\u0000b" },
      { boardId: "b", showPrompt: "yes" },
      { boardId: "b", showCost: true },
      null,
    ]
  ) assert.equal(accepts(bad), false, JSON.stringify(bad));
  assert.equal(shareChanges.safeParse({ boardId: "c" }).success, false);
});
