/** Kills the real program with SIGKILL while it deletes a board of many pictures, and starts it again. */
import assert from "node:assert/strict";
import { listBoardImages, putOnBoard } from "../../lib/boards/board_pictures.ts";
import { createBoard } from "../../lib/boards/board_store.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { imagesOf } from "../../lib/prompts/prompt.ts";
import { keys } from "../../lib/store/schema.ts";
import { createStore } from "../../lib/store/store.ts";
import { runTask, startServer, temporaryFolder } from "../fixtures/server.ts";
import { completePrompt, createTestUser } from "../fixtures/store.ts";
import { until } from "../fixtures/until.ts";

/** A member with a board of so many pictures, of eight in a prompt. */
async function addBoard(dataDir: string, { prompts }: { prompts: number }) {
  assert.equal((await runTask(["key"], { dataDir })).code, 0);
  const kv = await Deno.openKv(pathsIn(dataDir).database);
  const store = createStore({ kv, now: Date.now });
  const user = await createTestUser(store);
  const blobs = createDiskBlobs(pathsIn(dataDir).blobs);
  const imageIds: string[] = [];
  for (let i = 0; i < prompts; i++) {
    const { value } = await completePrompt(store, user, { blobs, request: { count: 8 } });
    imageIds.push(...imagesOf(value).map(({ id }) => id));
  }
  const { id } = await createBoard(store, { userId: user.id, name: "Foxes", description: "" });
  await putOnBoard(store, { userId: user.id, boardId: id, imageIds });
  const key = await createApiKey(store, { userId: user.id, name: "key", scope: "all", expiresAt: null });
  kv.close();
  return { id, key, images: imageIds.length };
}

/** How many pictures name the board, and whether it is there, or on its way out. */
async function look(dataDir: string, boardId: string) {
  const kv = await Deno.openKv(pathsIn(dataDir).database);
  const store = createStore({ kv, now: Date.now });
  const { total } = await listBoardImages(store, { boardId, limit: 1 });
  const isThere = (await kv.get(keys.board(boardId))).versionstamp !== null;
  const isGoing = (await kv.get(keys.boardDeletion(boardId))).versionstamp !== null;
  kv.close();
  return { total, isThere, isGoing };
}

Deno.test("a board whose deletion was killed is gone for everybody, and the next start finishes it", async () => {
  await using folder = await temporaryFolder();
  const dataDir = folder.path;
  const board = await addBoard(dataDir, { prompts: 100 });
  const headers = { Authorization: `Bearer ${board.key}` };
  const first = await startServer({ dataDir });
  const path = `/api/v1/boards/${board.id}`;
  const deleting = fetch(first.url + path, { method: "DELETE", headers }).then(() => true, () => false);
  const isGone = async () => {
    const answer = await fetch(first.url + path, { headers });
    await answer.body?.cancel();
    return answer.status === 404;
  };
  await until(isGone, Boolean);
  await first.end("SIGKILL");
  assert.equal(await deleting, false, "it was over before it could be killed");
  const left = await look(dataDir, board.id);
  assert.deepEqual([left.isThere, left.isGoing], [false, true]);
  assert.ok(left.total > 0 && left.total < board.images, `${left.total} of ${board.images} are left`);

  const wellHalfway = (await runTask(["verify"], { dataDir })).stdout;
  assert.equal(wellHalfway, `All is well: 100 prompts, 800 images, 100 ledger entries`);
  await using second = await startServer({ dataDir });
  const { images } = await (await fetch(`${second.url}/api/v1/images?limit=100`, { headers })).json();
  const oldest = async () => {
    const { imageId } = images.at(-1);
    return (await (await fetch(`${second.url}/api/v1/images/${imageId}`, { headers })).json()).image.boards;
  };
  await until(oldest, (boards) => boards.length === 0, 20_000);
  await until(async () => (await runTask(["verify"], { dataDir })).code, (code) => code === 0, 20_000);
  await second.end("SIGTERM");
  assert.deepEqual(await look(dataDir, board.id), { total: 0, isThere: false, isGoing: false });
});
