/** Publications as they are kept: lists, races, what goes with pictures and accounts. */
import assert from "node:assert/strict";
import { startDeletions } from "../../fixtures/deletions.ts";
import { changeUser } from "../../../lib/accounts/change_user.ts";
import type { AccountDeletion } from "../../../lib/accounts/delete_account.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { createRemixRanking, listNewest } from "../../../lib/publications/gallery.ts";
import { decide, listWaiting, setPublishing } from "../../../lib/publications/moderate.ts";
import type { Decision, Publication } from "../../../lib/publications/publication.ts";
import { listEvents, readPublication } from "../../../lib/publications/publication_store.ts";
import {
  appeal,
  changePublication,
  publish,
  withdrawPublication,
} from "../../../lib/publications/publish.ts";
import { countRemixes } from "../../../lib/publications/remixes.ts";
import { findReport, reportPublication } from "../../../lib/publications/report.ts";
import { findSeenPublication } from "../../../lib/publications/visible.ts";
import { keys } from "../../../lib/store/schema.ts";
import { listAudit } from "../../../lib/users/audit.ts";
import { listNotices } from "../../../lib/users/notice.ts";
import type { User } from "../../../lib/users/user.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  type TestStore,
} from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

interface Scene extends Disposable {
  store: TestStore;
  blobs: ReturnType<typeof createMemoryBlobs>;
  author: User;
  moderator: User;
  /** A picture of the author's. */
  image(by?: User): Promise<string>;
  publish(fields?: Partial<Parameters<typeof publish>[1]>): Promise<Publication>;
  read(id: string): Promise<Publication>;
  newest(): Promise<string[]>;
}

async function setScene(): Promise<Scene> {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const author = await createTestUser(store);
  const moderator = await createTestUser(store, { name: "Mod", isModerator: true });
  const image = async (by = author) => imagesOf((await completePrompt(store, by, { blobs })).value)[0].id;
  return {
    store,
    blobs,
    author,
    moderator,
    image,
    async publish(fields) {
      const own = { userId: author.id, title: "Fox", showPrompt: true, allowRemix: true, isSensitive: false };
      return await publish(store, {
        ...own,
        mode: "open",
        ...fields,
        imageId: fields?.imageId ?? await image(),
      });
    },
    read: async (id) => (await readPublication(store, id))!.value,
    newest: async () => (await listNewest(store, { limit: 100 })).items.map(({ id }) => id),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

const isWell = async ({ store, blobs }: Scene) =>
  assert.deepEqual((await verify(store, { blobs })).violations, []);

async function deleteAccount({ store, blobs }: Scene, { id }: User): Promise<void> {
  const deletions = startDeletions({
    store,
    models: createTestModels(store.now),
    blobs: { ...blobs, isHolding: () => false },
    log: () => {},
    retryMs: 5,
  });
  await deletions.request(id);
  const read = () => store.kv.get<AccountDeletion>(keys.deletion(id));
  await until(read, ({ value }) => value?.finishedAt !== null);
  await deletions.stop();
}

const own = ({ id, authorId }: Publication) => ({ userId: authorId, publicationId: id });
const shows: Decision = { state: "SHOWN", reason: null };
const refuses: Decision = { state: "REFUSED", reason: "too dark" };

Deno.test("only one's own picture is published, and once at a time", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const stranger = await createTestUser(store);
  const foreign = await scene.image(stranger);
  for (const imageId of [foreign, store.ids(), "x"]) {
    await assert.rejects(scene.publish({ imageId }), { code: "not_found" });
  }
  const imageId = await scene.image();
  const twice = await Promise.allSettled([scene.publish({ imageId }), scene.publish({ imageId })]);
  assert.deepEqual(twice.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  await assert.rejects(scene.publish({ imageId }), { code: "conflict" });
  const [id] = await scene.newest();
  await withdrawPublication(store, { userId: author.id, publicationId: id });
  await withdrawPublication(store, { userId: author.id, publicationId: id });
  const again = await scene.publish({ imageId });
  assert.deepEqual(await scene.newest(), [again.id]);
  await isWell(scene);
});

Deno.test("what was decided against is not published past a moderator by publishing it again", async () => {
  using scene = await setScene();
  const { store, moderator } = scene;
  const first = await scene.publish();
  await decide(store, { actor: moderator, publicationId: first.id, decision: refuses });
  await withdrawPublication(store, own(first));
  assert.equal((await scene.publish({ imageId: first.imageId })).state, "PENDING");
});

Deno.test("what is pending is seen by its author and moderators, and by nobody else", async () => {
  using scene = await setScene();
  const { store, author, moderator } = scene;
  const { id: publicationId } = await scene.publish({ mode: "review" });
  const seenBy = (viewer: User | null) =>
    findSeenPublication(store, { viewer, publicationId }).then(
      ({ seenAs }) => seenAs,
      ({ code }) => code as string,
    );
  const member = await createTestUser(store);
  const admin = await createTestUser(store, { role: "admin" });
  const everybody = [null, member, author, moderator, admin];
  const seen = () => Promise.all(everybody.map(seenBy));
  assert.deepEqual(await seen(), ["not_found", "not_found", "author", "moderator", "moderator"]);
  assert.deepEqual(await scene.newest(), []);
  await decide(store, { actor: moderator, publicationId, decision: shows });
  assert.deepEqual(await seen(), ["anybody", "anybody", "author", "anybody", "anybody"]);
  await changePublication(store, {
    userId: author.id,
    publicationId,
    mode: "review",
    changes: { title: "Worse" },
  });
  assert.deepEqual(await seen(), ["not_found", "not_found", "author", "moderator", "moderator"]);
  await withdrawPublication(store, { userId: author.id, publicationId });
  assert.deepEqual(await seen(), ["not_found", "not_found", "author", "not_found", "not_found"]);
  await isWell(scene);
});

Deno.test("the newest are those that were shown last, and keep their places when they come back", async () => {
  using scene = await setScene();
  const { store, moderator } = scene;
  const first = await scene.publish({ mode: "review" });
  const second = await scene.publish();
  await decide(store, { actor: moderator, publicationId: first.id, decision: shows });
  assert.deepEqual(await scene.newest(), [first.id, second.id]);
  await decide(store, { actor: moderator, publicationId: second.id, decision: refuses });
  await decide(store, { actor: moderator, publicationId: second.id, decision: shows });
  const third = await scene.publish();
  assert.deepEqual(await scene.newest(), [third.id, first.id, second.id]);
  const page = await listNewest(store, { limit: 2 });
  assert.deepEqual([page.total, page.items.length], [3, 2]);
  const rest = await listNewest(store, { limit: 2, before: page.next! });
  assert.deepEqual([rest.items.map(({ id }) => id), rest.next], [[second.id], null]);
  await isWell(scene);
});

Deno.test("a disabled author's publications are hidden until they are enabled again", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const owner = await createTestUser(store, { role: "owner" });
  const other = await createTestUser(store);
  const others = [];
  for (let i = 0; i < 3; i++) {
    others.push(await scene.publish({ userId: other.id, imageId: await scene.image(other) }));
    await scene.publish();
  }
  const disable = (isDisabled: boolean) =>
    changeUser(store, { actor: owner, userId: author.id, changes: { isDisabled } });
  await disable(true);
  const page = await listNewest(store, { limit: 2 });
  assert.deepEqual(page.items.map(({ id }) => id), [others[2].id, others[1].id]);
  assert.equal(page.total, 3);
  const rest = await listNewest(store, { limit: 2, before: page.next! });
  assert.deepEqual([rest.items.map(({ id }) => id), rest.next], [[others[0].id], null]);
  await disable(false);
  assert.equal((await scene.newest()).length, 6);
});

Deno.test("a deleted picture withdraws its publication, which does not come back with it", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const { id, imageId } = await scene.publish();
  await deleteImage(store, { id: imageId });
  assert.equal((await scene.read(id)).state, "WITHDRAWN");
  await undoDeletion(store, { userId: author.id, imageId });
  assert.equal((await scene.read(id)).state, "WITHDRAWN");
  assert.deepEqual(await scene.newest(), []);
  await isWell(scene);
});

Deno.test("a picture that is deleted while it is published is either not published or withdrawn", async () => {
  for (let i = 0; i < 20; i++) {
    using scene = await setScene();
    const imageId = await scene.image();
    const [published] = await Promise.allSettled([
      scene.publish({ imageId }),
      (async () => {
        for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
        await deleteImage(scene.store, { id: imageId });
      })(),
    ]);
    if (published.status === "fulfilled") {
      assert.equal((await scene.read(published.value.id)).state, "WITHDRAWN");
    } else assert.equal(published.reason.code, "not_found");
    await isWell(scene);
  }
});

Deno.test("three members who report at once hide it, in whatever order they come", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const members = await Promise.all(Array.from({ length: 3 }, () => createTestUser(store)));
  for (let round = 0; round < 10; round++) {
    const { id: publicationId } = await scene.publish();
    const report = (reporter: User | null) =>
      reportPublication(store, { publicationId, reporter, reason: "spam", text: "" });
    const two = await Promise.all([members[0], members[1], members[0], author, null, null].map(report));
    assert.equal(two[0].id, two[2].id);
    assert.equal((await scene.read(publicationId)).state, "SHOWN");
    const rest = await Promise.allSettled([members[2], members[2], members[1]].map(report));
    assert.ok(rest.some(({ status }) => status === "fulfilled"));
    assert.equal((await scene.read(publicationId)).state, "HIDDEN");
  }
  const { id: publicationId } = await scene.publish();
  await Promise.all(
    members.map((reporter) =>
      reportPublication(store, { publicationId, reporter, reason: "rights", text: "" })
    ),
  );
  assert.equal((await scene.read(publicationId)).state, "HIDDEN");
  const { items: [notice] } = await listNotices(store, { userId: author.id, limit: 1 });
  assert.match(notice.words, /“Fox” was reported and is hidden/);
  await isWell(scene);
});

Deno.test("many strangers who say the same hide nothing and fill nothing", async () => {
  using scene = await setScene();
  const { store } = scene;
  const { id: publicationId } = await scene.publish();
  const ids = new Set<string>();
  for (let i = 0; i < 60; i++) {
    ids.add(
      (await reportPublication(store, { publicationId, reporter: null, reason: "hate", text: `${i}` })).id,
    );
  }
  assert.equal(ids.size, 20);
  assert.equal((await scene.read(publicationId)).state, "SHOWN");
  assert.equal(
    (await reportPublication(store, { publicationId, reporter: null, reason: "minors", text: "" })).reason,
    "minors",
  );
  assert.equal((await scene.read(publicationId)).state, "HIDDEN");
});

Deno.test("whoever reported learns what came of it, and of it alone", async () => {
  using scene = await setScene();
  const { store, moderator } = scene;
  const publication = await scene.publish();
  const report = () =>
    reportPublication(store, {
      publicationId: publication.id,
      reporter: null,
      reason: "rights",
      text: "mine",
    });
  const outcome = async (id: string) => (await findReport(store, id)).outcome;
  const first = await report();
  assert.equal(await outcome(first.id), null);
  await decide(store, { actor: moderator, publicationId: publication.id, decision: shows });
  assert.equal(await outcome(first.id), "SHOWN");
  store.clock.advance(1000);
  const second = await report();
  assert.notEqual(second.id, first.id);
  assert.equal(await outcome(second.id), null);
  await decide(store, { actor: moderator, publicationId: publication.id, decision: refuses });
  assert.equal(await outcome(second.id), "REFUSED");
  await withdrawPublication(store, own(publication));
  assert.equal(await outcome(second.id), "GONE");
  for (const id of [store.ids(), "x"]) await assert.rejects(findReport(store, id), { code: "not_found" });
});

Deno.test("a decision is in the list of changes, and its reason goes to the author", async () => {
  using scene = await setScene();
  const { store, author, moderator } = scene;
  const { id: publicationId } = await scene.publish({ mode: "review" });
  const words = async () =>
    (await listNotices(store, { userId: author.id, limit: 9 })).items.map(({ words }) => words);
  await decide(store, { actor: moderator, publicationId, decision: refuses });
  await appeal(store, { userId: author.id, publicationId, text: "It is dusk" });
  assert.deepEqual((await listWaiting(store, { limit: 9 })).map(({ id }) => id), [publicationId]);
  await decide(store, { actor: moderator, publicationId, decision: { ...shows, sensitive: true } });
  assert.deepEqual(await words(), ["“Fox” is shown in the gallery now", "“Fox” was refused: too dark"]);
  const { entries } = await listAudit(store, { limit: 9 });
  assert.deepEqual(entries.map(({ action, actorId, subjectId }) => [action, actorId, subjectId]), [
    ["publication_sensitive", moderator.id, author.id],
    ["publication_shown", moderator.id, author.id],
    ["publication_refused", moderator.id, author.id],
  ]);
  assert.equal(entries[2].detail, `${publicationId} too dark`);
  const events = await listEvents(store, await scene.read(publicationId));
  assert.deepEqual(events.map(({ what }) => what), ["decided", "appealed", "decided", "published"]);
  await isWell(scene);
});

Deno.test("nobody decides who may not, nor about their own work where somebody else can", async () => {
  using scene = await setScene();
  const { store, author, moderator } = scene;
  const mine = await scene.publish({
    userId: moderator.id,
    imageId: await scene.image(moderator),
    mode: "review",
  });
  const decision = { publicationId: mine.id, decision: shows };
  await assert.rejects(decide(store, { actor: author, ...decision }), { code: "not_found" });
  assert.equal((await decide(store, { actor: moderator, ...decision })).state, "SHOWN");
  const admin = await createTestUser(store, { role: "admin" });
  await assert.rejects(decide(store, { actor: moderator, ...decision }), { code: "forbidden" });
  await createTestUser(store, { ...admin, isDisabled: true });
  assert.equal((await decide(store, { actor: moderator, ...decision })).state, "SHOWN");
  const { isModerator: _, ...plain } = moderator;
  await createTestUser(store, plain);
  await assert.rejects(decide(store, { actor: moderator, ...decision }), { code: "not_found" });
});

Deno.test("a decision and a withdrawal at once leave it withdrawn, or decided and then withdrawn", async () => {
  for (let i = 0; i < 20; i++) {
    using scene = await setScene();
    const { store, moderator } = scene;
    const publication = await scene.publish({ mode: "review" });
    const [decision, withdrawal] = await Promise.allSettled([
      decide(store, { actor: moderator, publicationId: publication.id, decision: shows }),
      withdrawPublication(store, own(publication)),
    ]);
    assert.equal(withdrawal.status, "fulfilled");
    if (decision.status === "rejected") assert.equal(decision.reason.code, "conflict");
    assert.equal((await scene.read(publication.id)).state, "WITHDRAWN");
    assert.deepEqual(await scene.newest(), []);
    await isWell(scene);
  }
});

Deno.test("whoever was stopped publishes and changes nothing, and may still withdraw", async () => {
  using scene = await setScene();
  const { store, author, moderator } = scene;
  const publication = await scene.publish();
  const stop = (isStopped: boolean) =>
    setPublishing(store, { actor: moderator, userId: author.id, isStopped, reason: "spam" });
  await stop(true);
  await stop(true);
  await assert.rejects(scene.publish(), { code: "forbidden" });
  const change = { ...own(publication), mode: "open" as const, changes: { title: "Other" } };
  await assert.rejects(changePublication(store, change), { code: "forbidden" });
  assert.equal((await withdrawPublication(store, own(publication))).state, "WITHDRAWN");
  await stop(false);
  assert.equal((await scene.publish()).state, "SHOWN");
  const { entries } = await listAudit(store, { limit: 9 });
  assert.deepEqual(entries.map(({ action }) => action), ["publishing_allowed", "publishing_stopped"]);
  await assert.rejects(
    setPublishing(store, { actor: author, userId: moderator.id, isStopped: true, reason: null }),
    { code: "not_found" },
  );
});

Deno.test("remixes count in the commit that accepts them, and people rank a publication, not their number", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const [busy, loved, own] = [await scene.publish(), await scene.publish(), await scene.publish()];
  const [bob, cleo] = [await createTestUser(store), await createTestUser(store)];
  const remix = (by: User, { id: publicationId }: Publication) =>
    acceptPrompt(store, by, { request: { remixOf: { publicationId } } });
  for (let i = 0; i < 5; i++) await remix(bob, busy);
  for (const by of [bob, cleo]) await remix(by, loved);
  for (let i = 0; i < 3; i++) await remix(author, own);
  const counts = () => Promise.all([busy, loved, own].map(({ id }) => countRemixes(store, id)));
  assert.deepEqual(await counts(), [5, 2, 3]);
  const ranking = createRemixRanking(store);
  const ranked = async () => (await ranking.list({ limit: 9 })).items.map(({ id }) => id);
  assert.deepEqual(await ranked(), [loved.id, busy.id]);
  const page = await ranking.list({ limit: 1 });
  assert.deepEqual([page.total, page.next], [2, 1]);
  assert.deepEqual((await ranking.list({ limit: 1, before: 1 })).items.map(({ id }) => id), [busy.id]);
  await withdrawPublication(store, { userId: author.id, publicationId: loved.id });
  assert.deepEqual(await ranked(), [busy.id]);
  await isWell(scene);
  store.clock.advance(29 * 24 * 3600 * 1000);
  assert.deepEqual(await ranked(), [busy.id]);
  store.clock.advance(24 * 3600 * 1000);
  assert.deepEqual(await ranked(), []);
  assert.deepEqual(await counts(), [5, 2, 3]);
});

Deno.test("an account takes along what it published, and what was reported of it and by it", async () => {
  using scene = await setScene();
  const { store, author } = scene;
  const bob = await createTestUser(store);
  const publication = await scene.publish();
  const foreign = await scene.publish({ userId: bob.id, imageId: await scene.image(bob) });
  const by = { reason: "spam", text: "" } as const;
  await reportPublication(store, { publicationId: publication.id, reporter: bob, ...by });
  await reportPublication(store, { publicationId: foreign.id, reporter: author, ...by });
  await acceptPrompt(store, bob, { request: { remixOf: { publicationId: publication.id } } });
  await deleteAccount(scene, author);
  assert.equal(await readPublication(store, publication.id), null);
  assert.deepEqual(await scene.newest(), [foreign.id]);
  const left = await Array.fromAsync(store.kv.list({ prefix: ["report"] }));
  assert.deepEqual(left, []);
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: ["publication_event", author.id] })), []);
  await isWell(scene);
});
