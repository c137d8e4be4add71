import assert from "node:assert/strict";
import { listBoardImages } from "../../../lib/boards/board_pictures.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { deleteBoard } from "../../../lib/boards/delete_board.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { finished } from "../../fixtures/prompts.ts";
import { createStandIn, holdUntil } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("pictures arrive on the board and with the tags that were said when they were asked for", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const program = await studio.withKey();
  const { id: boardId } = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
  const prompts = await Promise.all(Array.from({ length: 4 }, async () => {
    const body = { prompt: "fox", imageSize: "512x512", count: 4, boardId, tags: ["Fox", "red"] };
    return await (await program.post("/api/v1/images/generate", body)).json();
  }));
  const ids = prompts.flatMap(({ images }) => images.map(({ id }: { id: string }) => id));
  assert.equal(ids.length, 16);
  const { items } = await listBoardImages(store, { boardId, limit: 20 });
  assert.deepEqual(items.map(({ id }) => id).sort(), ids.toSorted());
  assert.ok(items.every(({ tags, rating }) => tags.join() === "fox,red" && rating === 0));
  const again = await program.post(`/api/v1/prompts/${prompts[0].promptId}/retry`);
  const { images: [{ id }] } = await finished(program, (await again.json()).promptId);
  assert.equal((await readImage(store, id))!.value.boards[0].boardId, boardId);
  assert.deepEqual((await verify(store, studio)).violations, []);
});

Deno.test("a board that is deleted before its pictures arrive takes none, and they keep their tags", async () => {
  const opened = Promise.withResolvers<void>();
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn });
  const { store, owner } = studio;
  const program = await studio.withKey();
  const { id: boardId } = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
  standIn.scripts.push(holdUntil(opened.promise));
  const body = { prompt: "fox", imageSize: "512x512", boardId, tags: ["fox"] };
  const { promptId } =
    await (await program.post("/api/v1/images/generate", body, { Prefer: "respond-async" }))
      .json();
  await deleteBoard(store, { userId: owner.id, boardId });
  opened.resolve();
  const { images: [{ id }] } = await finished(program, promptId);
  const { tags, boards } = (await readImage(store, id))!.value;
  assert.deepEqual([tags, boards], [["fox"], []]);
  const again = await program.post(`/api/v1/prompts/${promptId}/retry`);
  assert.equal(again.status, 202);
  await finished(program, (await again.json()).promptId);
  assert.deepEqual((await verify(store, studio)).violations, []);
});

Deno.test("a board that is somebody else's, or none, is not found, and nothing is held", async () => {
  await using studio = await createStudio();
  const { store } = studio;
  const program = await studio.withKey();
  const other = await studio.addMember();
  const { id } = await createBoard(store, { userId: other.id, name: "Foxes", description: "" });
  for (const boardId of [id, store.ids(), "x"]) {
    for (const path of ["/api/v1/images/generate", "/api/v1/quotes"]) {
      assert.equal((await program.post(path, { prompt: "fox", boardId })).status, 404);
    }
  }
  for (const fields of [{ boardId: 1 }, { tags: "fox" }, { tags: ["a,b"] }, { board: id }]) {
    const answer = await program.post("/api/v1/images/generate", { prompt: "fox", ...fields });
    assert.deepEqual([answer.status, (await answer.json()).error.code], [400, "invalid_request"]);
  }
  const { pagination } = await (await program.get("/api/v1/prompts")).json();
  assert.equal(pagination.total, 0);
});
