import assert from "node:assert/strict";
import { boardPlace } from "../../../lib/boards/board_comments.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { deleteBoard } from "../../../lib/boards/delete_board.ts";
import { removeMember, setMember } from "../../../lib/boards/members.ts";
import { boardThread, editMs } from "../../../lib/comments/comment.ts";
import {
  addComment,
  deleteComment,
  deleteCommentsOf,
  deleteThread,
  editComment,
  listComments,
} from "../../../lib/comments/comment_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { kinds } from "../../../lib/store/schema.ts";
import { listNotices } from "../../../lib/users/notice.ts";
import type { User } from "../../../lib/users/user.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestStore, createTestUser } from "../../fixtures/store.ts";

async function createTeam() {
  const store = await createTestStore();
  const owner = await createTestUser(store);
  const bo = await createTestUser(store, { name: "Bo" });
  const { id: boardId } = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
  const role = (user: User, role: "viewer" | "commenter" | "editor") =>
    setMember(store, { userId: owner.id, boardId, memberId: user.id, role });
  await role(bo, "commenter");
  const find = (user: User) => () => boardPlace(store, { userId: user.id, boardId, imageId: null });
  return {
    store,
    owner,
    bo,
    boardId,
    role,
    say: (user: User, text: string) => addComment(store, { user, text, find: find(user) }),
    named: (user: User, commentId: string) => ({ user, commentId, findPlace: find(user) }),
    texts: async () => {
      const page = await listComments(store, { thread: boardThread(boardId), limit: 100 });
      return page.items.map(({ text }) => text);
    },
    verified: async () =>
      assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

Deno.test("what many say at once is all there, each in a place of its own", async () => {
  using team = await createTeam();
  const { owner, bo, say, texts, verified } = team;
  await Promise.all(Array.from({ length: 20 }, (_, i) => say(i % 2 === 0 ? owner : bo, String(i))));
  assert.deepEqual(
    (await texts()).map(Number).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
  await verified();
});

Deno.test("who may only look says nothing, and who is taken off while they write says nothing any more", async () => {
  using team = await createTeam();
  const { store, owner, bo, boardId, role, say, texts } = team;
  await role(bo, "viewer");
  await assert.rejects(say(bo, "hello"), { code: "forbidden" });
  await role(bo, "commenter");
  let isTaken = false;
  const text = "too late";
  const find = async () => {
    const place = await boardPlace(store, { userId: bo.id, boardId, imageId: null });
    // Between the look and the commit.
    if (!isTaken) await removeMember(store, { userId: owner.id, boardId, memberId: bo.id });
    isTaken = true;
    return place;
  };
  await assert.rejects(addComment(store, { user: bo, text, find }), { code: "not_found" });
  assert.deepEqual(await texts(), []);
});

Deno.test("a comment is changed by its author for a quarter of an hour, and by nobody else", async () => {
  using team = await createTeam();
  const { store, owner, bo, say, named, texts } = team;
  const { id } = await say(bo, "a");
  await assert.rejects(editComment(store, { ...named(owner, id), text: "b" }), { code: "forbidden" });
  assert.equal((await editComment(store, { ...named(bo, id), text: "a" })).editedAt, null);
  store.clock.advance(editMs);
  assert.equal((await editComment(store, { ...named(bo, id), text: "b" })).editedAt, store.now());
  store.clock.advance(1);
  await assert.rejects(editComment(store, { ...named(bo, id), text: "c" }), { code: "conflict" });
  assert.deepEqual(await texts(), ["b"]);
});

Deno.test("its author or the board's owner deletes a comment, and nobody else", async () => {
  using team = await createTeam();
  const { store, owner, bo, say, named, texts, verified } = team;
  const [mine, theirs, other] = [await say(bo, "1"), await say(bo, "2"), await say(owner, "3")];
  await assert.rejects(deleteComment(store, named(bo, other.id)), { code: "forbidden" });
  await deleteComment(store, named(bo, mine.id));
  await deleteComment(store, named(owner, theirs.id));
  await assert.rejects(deleteComment(store, named(bo, mine.id)), { code: "not_found" });
  assert.deepEqual(await texts(), ["3"]);
  await verified();
});

Deno.test("whoever is named is told once, also when the name comes with a change, and nobody of themselves", async () => {
  using team = await createTeam();
  const { store, owner, bo, say, named } = team;
  const toldOf = async ({ id: userId }: User) =>
    (await listNotices(store, { userId, limit: 10 })).items.filter(({ kind }) => kind === "mention").length;
  const { id } = await say(owner, "@Ada wrote this");
  assert.deepEqual([await toldOf(owner), await toldOf(bo)], [0, 0]);
  await editComment(store, { ...named(owner, id), text: "@Bo @bo look" });
  await editComment(store, { ...named(owner, id), text: "@Bo look again" });
  assert.deepEqual([await toldOf(owner), await toldOf(bo)], [0, 1]);
});

Deno.test("what somebody said goes with their account, and everything with the board", async () => {
  using team = await createTeam();
  const { store, owner, bo, boardId, say, texts, verified } = team;
  await say(bo, "1");
  await say(owner, "2");
  await say(bo, "3");
  await deleteCommentsOf(store, bo.id);
  assert.deepEqual(await texts(), ["2"]);
  await verified();
  await deleteBoard(store, { userId: owner.id, boardId });
  await deleteThread(store, boardThread(boardId));
  const left = await Array.fromAsync(store.kv.list({ prefix: [] }), ({ key }) => String(key[0]));
  assert.deepEqual(left.filter((kind) => kind.includes("comment")), []);
  const counts = await Array.fromAsync(store.kv.list({ prefix: kinds.counts }), ({ key }) => String(key[1]));
  assert.deepEqual(counts.filter((kind) => kind.includes("comment")), []);
  await verified();
});
