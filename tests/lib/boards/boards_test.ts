import assert from "node:assert/strict";
import fc from "fast-check";
import { mostBoards, mostBoardsOfPicture } from "../../../lib/boards/board.ts";
import { findBoard } from "../../../lib/boards/access.ts";
import { listBoardImages, putOnBoard, takeOffBoard, viewBoards } from "../../../lib/boards/board_pictures.ts";
import { allBoards, changeBoard, createBoard, listBoards } from "../../../lib/boards/board_store.ts";
import { deleteBoard, finishBoardDeletions } from "../../../lib/boards/delete_board.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { allOf, searchImages } from "../../../lib/images/image_search.ts";
import { readImage, readImages } from "../../../lib/images/image_store.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { rated, tagged } from "../../../lib/images/marking.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { keys, kinds, lists } from "../../../lib/store/schema.ts";
import type { User } from "../../../lib/users/user.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import {
  completePrompt,
  createTestStore,
  createTestUpload,
  createTestUser,
  type TestStore,
} from "../../fixtures/store.ts";

interface Scene extends Disposable {
  store: TestStore;
  blobs: ReturnType<typeof createMemoryBlobs>;
  user: User;
  /** Oldest first. */
  ids: string[];
  make(name?: string): Promise<{ userId: string; boardId: string }>;
  /** Those on a board, the latest first. */
  on(boardId: string): Promise<string[]>;
}

async function setScene({ count = 4 } = {}): Promise<Scene> {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const ids: string[] = [];
  while (ids.length < count) {
    const request = { count: Math.min(8, count - ids.length) };
    const { value } = await completePrompt(store, user, { blobs, request });
    ids.push(...imagesOf(value).map(({ id }) => id));
  }
  return {
    store,
    blobs,
    user,
    ids,
    async make(name = "Foxes") {
      const { id } = await createBoard(store, { userId: user.id, name, description: "" });
      return { userId: user.id, boardId: id };
    },
    on: async (boardId) => (await listBoardImages(store, { boardId, limit: 1000 })).items.map(({ id }) => id),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

const isWell = async ({ store, blobs }: Pick<Scene, "store" | "blobs">) =>
  assert.deepEqual((await verify(store, { blobs })).violations, []);

Deno.test("pictures come onto a board in the order in which they are put there, each once, and go off it", async () => {
  using scene = await setScene();
  const { store, user, ids: [a, b, c], on } = scene;
  const upload = (await createTestUpload(store, { user, blobs: scene.blobs })).id;
  const board = await scene.make();
  await putOnBoard(store, { ...board, imageIds: [b, a, b] });
  await putOnBoard(store, { ...board, imageIds: [a, c, upload] });
  assert.deepEqual(await on(board.boardId), [upload, c, a, b]);
  await takeOffBoard(store, { ...board, imageIds: [a, "x", store.ids()] });
  assert.deepEqual(await on(board.boardId), [upload, c, b]);
  await putOnBoard(store, { ...board, imageIds: [a] });
  assert.deepEqual(await on(board.boardId), [a, upload, c, b]);
  const search = (kind: "made" | "upload" | "all") =>
    searchImages(store, {
      userId: user.id,
      query: { ...allOf(kind), boardId: board.boardId },
      limit: 9,
    }).then(({ images }) => images.map(({ id }) => id));
  assert.deepEqual(await search("made"), [c, b, a]);
  assert.deepEqual(await search("upload"), [upload]);
  assert.deepEqual(await search("all"), [upload, c, b, a]);
  await isWell(scene);
});

Deno.test("nothing comes onto a board where one picture is missing, somebody else's, or on too many boards", async () => {
  using scene = await setScene();
  const { store, ids: [a, b], on } = scene;
  const board = await scene.make();
  const other = await createTestUser(store);
  const foreign = imagesOf((await completePrompt(store, other, { blobs: scene.blobs })).value)[0].id;
  for (const bad of [foreign, store.ids(), "x"]) {
    await assert.rejects(putOnBoard(store, { ...board, imageIds: [a, bad] }), { code: "not_found" });
  }
  await assert.rejects(putOnBoard(store, { userId: other.id, boardId: board.boardId, imageIds: [foreign] }), {
    code: "not_found",
  });
  for (let i = 0; i < mostBoardsOfPicture; i++) {
    await putOnBoard(store, { ...await scene.make(`board ${i}`), imageIds: [b] });
  }
  await assert.rejects(putOnBoard(store, { ...board, imageIds: [a, b] }), { code: "conflict" });
  assert.deepEqual(await on(board.boardId), []);
  await isWell(scene);
});

Deno.test("a picture with all words, tags and boards that it may have is deleted, comes back, and is moved", async () => {
  using scene = await setScene({ count: 0 });
  const { store, user, blobs } = scene;
  const text = Array.from({ length: 900 }, (_, i) => `w${i}`).join(" ");
  const { value } = await completePrompt(store, user, { blobs, request: { text } });
  const [{ id: imageId }] = imagesOf(value);
  const terms = Array.from({ length: 803 }, (_, i) => `w${i}`);
  const found = (await readImage(store, imageId))!.value;
  const atomic = store.kv.atomic().set(keys.image(imageId), { ...found, terms });
  for (const term of found.terms) atomic.delete(keys.imageTerm(user.id, term, found.sequence));
  for (const term of terms) atomic.set(keys.imageTerm(user.id, term, found.sequence), imageId);
  await atomic.commit();
  for (let i = 0; i < mostBoardsOfPicture; i++) {
    await putOnBoard(store, { ...await scene.make(`board ${i}`), imageIds: [imageId] });
  }
  const tags = Array.from({ length: 32 }, (_, i) => `tag ${i}`);
  await markImage(store, { userId: user.id, imageId }, (image) => tagged(tags)(rated(5)(image)));
  await isWell(scene);
  await deleteImage(store, { id: imageId });
  await isWell(scene);
  const { boards } = await undoDeletion(store, { userId: user.id, imageId });
  assert.equal(boards.length, mostBoardsOfPicture);
  await isWell(scene);
});

Deno.test("a deleted picture leaves its boards, and comes back to its place on those that are still there", async () => {
  using scene = await setScene();
  const { store, user, ids: [a, b, c], on } = scene;
  const [kept, gone] = [await scene.make("kept"), await scene.make("gone")];
  for (const board of [kept, gone]) await putOnBoard(store, { ...board, imageIds: [a, b, c] });
  await deleteImage(store, { id: b });
  assert.deepEqual([await on(kept.boardId), await on(gone.boardId)], [[c, a], [c, a]]);
  await isWell(scene);
  await deleteBoard(store, gone);
  await isWell(scene);
  const back = await undoDeletion(store, { userId: user.id, imageId: b });
  assert.deepEqual(back.boards.map(({ boardId }) => boardId), [kept.boardId]);
  assert.deepEqual(await on(kept.boardId), [c, b, a]);
  assert.deepEqual(await on(gone.boardId), []);
  await isWell(scene);
});

Deno.test("deleting a board keeps its pictures, and leaves nothing else of it", async () => {
  using scene = await setScene({ count: 25 });
  const { store, user, ids } = scene;
  const [gone, kept] = [await scene.make("gone"), await scene.make("kept")];
  for (const board of [gone, kept]) await putOnBoard(store, { ...board, imageIds: ids });
  await deleteBoard(store, gone);
  await assert.rejects(findBoard(store, { ...gone, right: "see" }), { code: "not_found" });
  await assert.rejects(deleteBoard(store, gone), { code: "not_found" });
  const images = await readImages(store, ids);
  assert.equal(images.length, 25);
  assert.ok(images.every(({ value }) => value.boards.every(({ boardId }) => boardId === kept.boardId)));
  assert.deepEqual((await allBoards(store, user.id)).map(({ name }) => name), ["kept"]);
  const all = await Array.fromAsync(store.kv.list({ prefix: [] }));
  assert.deepEqual(all.filter(({ key }) => key.join(" ").includes(gone.boardId)).map(({ key }) => key), []);
  await isWell(scene);
});

Deno.test("a deletion that is broken off after any of its commits is finished by the next process", async () => {
  for (let dieAt = 1, isKilled = true; isKilled; dieAt++) {
    using scene = await setScene({ count: 25 });
    const { store, ids, on } = scene;
    const board = await scene.make();
    await putOnBoard(store, { ...board, imageIds: ids });
    const { atomic } = store.kv;
    let commits = 0;
    interceptCommits(store.kv, (_, commit) => {
      if (++commits === dieAt) return Promise.reject(new Error("killed"));
      return commit();
    });
    isKilled = await deleteBoard(store, board).then(() => false, () => true);
    store.kv.atomic = atomic;
    await isWell(scene);
    // Before its first commit nothing has happened.
    if (dieAt === 1) continue;
    await assert.rejects(findBoard(store, { ...board, right: "see" }), { code: "not_found" });
    await finishBoardDeletions(store);
    assert.deepEqual(await on(board.boardId), []);
    assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [...kinds.boardDeletions] })), []);
    await isWell(scene);
    assert.ok(isKilled || dieAt > 4, `${dieAt} commits`);
  }
});

Deno.test("pictures that come onto a board while it is deleted are on it for nobody, and none is left over", async () => {
  for (let round = 0; round < 10; round++) {
    using scene = await setScene({ count: 12 });
    const { store, ids } = scene;
    const board = await scene.make();
    await putOnBoard(store, { ...board, imageIds: ids.slice(0, 6) });
    await Promise.allSettled([
      ...ids.slice(6).map((id) => putOnBoard(store, { ...board, imageIds: [id] })),
      deleteBoard(store, board),
      deleteImage(store, { id: ids[0] }),
      undoDeletion(store, { userId: board.userId, imageId: ids[0] }),
    ]);
    await finishBoardDeletions(store);
    for (const { value } of await readImages(store, ids)) assert.deepEqual(value.boards, []);
    await isWell(scene);
  }
});

Deno.test("many who put pictures onto a board at once all find their place", async () => {
  using scene = await setScene({ count: 24 });
  const { store, ids, on } = scene;
  const board = await scene.make();
  await Promise.all(ids.map((id) => putOnBoard(store, { ...board, imageIds: [id] })));
  assert.deepEqual((await on(board.boardId)).toSorted(), ids.toSorted());
  assert.equal((await findBoard(store, { ...board, right: "see" })).value.lastNumber, 24);
  await isWell(scene);
});

Deno.test("a board is renamed, described and stood for by a picture that is on it, or by the latest", async () => {
  using scene = await setScene();
  const { store, ids: [a, b, c] } = scene;
  const board = await scene.make();
  const cover = async () => {
    const [view] = await viewBoards(store, {
      userId: board.userId,
      boards: [(await findBoard(store, { ...board, right: "see" })).value],
    });
    return [view.images, view.cover?.id ?? null];
  };
  assert.deepEqual(await cover(), [0, null]);
  await putOnBoard(store, { ...board, imageIds: [a, b] });
  assert.deepEqual(await cover(), [2, b]);
  await assert.rejects(changeBoard(store, board, { coverId: c }), { code: "not_found" });
  const changed = await changeBoard(store, board, {
    name: "Red foxes",
    description: "all of them",
    coverId: a,
  });
  assert.deepEqual([changed.name, changed.description, changed.coverId], ["Red foxes", "all of them", a]);
  assert.deepEqual(await cover(), [2, a]);
  await deleteImage(store, { id: a });
  assert.deepEqual(await cover(), [1, b]);
  await undoDeletion(store, { userId: board.userId, imageId: a });
  assert.deepEqual(await cover(), [2, a]);
  await changeBoard(store, board, { coverId: null });
  assert.deepEqual(await cover(), [2, b]);
  await isWell(scene);
});

Deno.test("boards are listed newest first and by name, and there are not too many of them", async () => {
  using scene = await setScene({ count: 0 });
  const { store, user } = scene;
  for (const name of ["b10", "b9", "a"]) await scene.make(name);
  assert.deepEqual((await allBoards(store, user.id)).map(({ name }) => name), ["a", "b9", "b10"]);
  const page = await listBoards(store, { userId: user.id, limit: 2 });
  assert.deepEqual([page.items.map(({ name }) => name), page.total], [["a", "b9"], 3]);
  while ((await listBoards(store, { userId: user.id, limit: 1 })).total < mostBoards) await scene.make();
  await assert.rejects(scene.make(), { code: "too_large" });
  assert.equal((await allBoards(store, user.id)).length, mostBoards);
  await Promise.all(Array.from({ length: 5 }, async () => {
    const other = await createTestUser(store);
    await Promise.all(
      [1, 2, 3].map(() => createBoard(store, { userId: other.id, name: "x", description: "" })),
    );
    assert.equal((await listBoards(store, { userId: other.id, limit: 9 })).total, 3);
  }));
  await isWell(scene);
});

Deno.test("nobody makes a board in an account that was deleted", async () => {
  using scene = await setScene({ count: 0 });
  const { store, user } = scene;
  await store.kv.set(keys.deletion(user.id), { userId: user.id, finishedAt: null, imageIds: [] });
  await store.kv.delete(keys.user(user.id));
  await assert.rejects(scene.make(), { code: "unauthorized" });
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [...lists.boards(user.id)] })), []);
});

type Step =
  | { do: "put" | "take"; board: number; pictures: number[] }
  | { do: "delete" | "undelete"; picture: number }
  | { do: "remove"; board: number };

Deno.test("boards are what a simple model of them says, whatever is done with them", async () => {
  const board = fc.integer({ min: 0, max: 2 });
  const picture = fc.integer({ min: 0, max: 4 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      do: fc.constantFrom("put", "take"),
      board,
      pictures: fc.uniqueArray(picture, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ do: fc.constantFrom("delete", "undelete"), picture }),
    fc.record({ do: fc.constant("remove"), board }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      using scene = await setScene({ count: 5 });
      const { store, ids, on } = scene;
      const boards = [await scene.make("a"), await scene.make("b"), await scene.make("c")];
      /** Oldest first; null: deleted. A picture in the trash keeps its place. */
      const model: (number[] | null)[] = [[], [], []];
      const trash = new Set<number>();
      for (const step of steps) {
        switch (step.do) {
          case "put":
          case "take": {
            const named = { ...boards[step.board], imageIds: step.pictures.map((each) => ids[each]) };
            const change = step.do === "put" ? putOnBoard : takeOffBoard;
            const isDone = await change(store, named).then(() => true, () => false);
            const places = model[step.board];
            const present = step.pictures.filter((each) => !trash.has(each));
            if (step.do === "put") {
              assert.equal(isDone, places !== null && present.length === step.pictures.length);
              if (isDone) places!.push(...step.pictures.filter((each) => !places!.includes(each)));
            } else {
              assert.equal(isDone, places !== null);
              if (isDone) model[step.board] = places!.filter((each) => !present.includes(each));
            }
            break;
          }
          case "delete":
            if (trash.has(step.picture)) break;
            await deleteImage(store, { id: ids[step.picture] });
            trash.add(step.picture);
            break;
          case "undelete":
            if (!trash.delete(step.picture)) break;
            await undoDeletion(store, { userId: scene.user.id, imageId: ids[step.picture] });
            break;
          case "remove":
            if (model[step.board] === null) break;
            await deleteBoard(store, boards[step.board]);
            model[step.board] = null;
        }
        for (const [i, places] of model.entries()) {
          const shown = (places ?? []).filter((each) => !trash.has(each)).toReversed();
          assert.deepEqual(await on(boards[i].boardId), shown.map((each) => ids[each]));
        }
      }
      await isWell(scene);
    }),
    { numRuns: 40 },
  );
});
