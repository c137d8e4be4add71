import assert from "node:assert/strict";
import { newBoardInput } from "../../../lib/boards/board.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { putOnBoard } from "../../../lib/boards/board_pictures.ts";
import { deleteBoard } from "../../../lib/boards/delete_board.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { completePrompt, createTestStore, createTestUser } from "../../fixtures/store.ts";

Deno.test("a deleted picture comes back to all of its many boards that are still there, at its places", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const [{ id }] = imagesOf((await completePrompt(store, user, { blobs })).value);
  const boardIds: string[] = [];
  for (let i = 0; i < 13; i++) {
    const board = await createBoard(store, { userId: user.id, ...newBoardInput.parse({ name: `${i}` }) });
    await putOnBoard(store, { userId: user.id, boardId: board.id, imageIds: [id] });
    boardIds.push(board.id);
  }
  const before = (await readImage(store, id))!.value;
  await deleteImage(store, before);
  for (const boardId of [boardIds[2], boardIds[9]]) await deleteBoard(store, { userId: user.id, boardId });
  const back = await undoDeletion(store, { userId: user.id, imageId: id });
  const left = before.boards.filter(({ boardId }) => boardId !== boardIds[2] && boardId !== boardIds[9]);
  assert.deepEqual(back.boards, left);
  assert.deepEqual((await readImage(store, id))!.value, back);
  const { violations } = await verify(store, { blobs });
  assert.deepEqual(violations, []);
});
