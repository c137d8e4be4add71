/** Boards: their pages, and the same for programs. */
import { Hono } from "hono";
import { z } from "zod";
import { type Board, boardChanges, newBoardInput } from "../../lib/boards/board.ts";
import {
  isOn,
  listBoardImages,
  putOnBoard,
  takeOffBoard,
  viewBoards,
} from "../../lib/boards/board_pictures.ts";
import { allBoards, changeBoard, createBoard, findBoard, listBoards } from "../../lib/boards/board_store.ts";
import { deleteBoard } from "../../lib/boards/delete_board.ts";
import { returnRecipes } from "../../lib/recipes/leave_recipes.ts";
import { readFields } from "../../lib/fields.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { listTags } from "../../lib/images/image_search.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { notFound, type Refusal } from "../../lib/refusal.ts";
import { BoardPage, BoardTiles } from "../../views/boards/board_page.tsx";
import { BoardsPage } from "../../views/boards/boards_page.tsx";
import { boardImagesJson, boardJson, boardListJson } from "../../views/json/board_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readFormFields, readFormLists, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readDeleted } from "../images/gallery.tsx";

const partLength = 24;
const shownBoards = 60;

const idsWords = 'imageIds must be a list of ids such as ["…"], at most 500';
const imagesInput = z.strictObject({
  imageIds: z.array(z.string({ error: idsWords }), { error: idsWords }).min(1, idsWords).max(500, idsWords),
});
const changesForm = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  coverId: z.string().optional(),
});

export function boardRoutes(deps: Pick<AppDeps, "store" | "publicUrl" | "secret">) {
  const { store, publicUrl, secret } = deps;
  return new Hono<AppEnv>()
    .get("/api/v1/boards", async (c) => {
      const { views, pagination } = await readBoards(c, { defaultLimit: 50 });
      return c.json(boardListJson(views, pagination));
    })
    .post("/api/v1/boards", async (c) => {
      const { user } = callerOf(c, "generate");
      const board = await createBoard(store, {
        userId: user.id,
        ...await readJsonFields(c, newBoardInput),
      });
      return c.json(await toJson(board), 201);
    })
    .get("/api/v1/boards/:id", async (c) => c.json(await toJson(await find(c))))
    .patch("/api/v1/boards/:id", async (c) => {
      callerOf(c, "generate");
      return c.json(await toJson(await changeBoard(store, nameOf(c), await readJsonFields(c, boardChanges))));
    })
    .delete("/api/v1/boards/:id", async (c) => {
      callerOf(c, "generate");
      await deleteBoard(store, nameOf(c));
      await returnRecipes(store, c.req.param("id"));
      return c.json(doneJson());
    })
    .get("/api/v1/boards/:id/images", async (c) => {
      const { views, pagination } = await readPictures(c, { board: await find(c), defaultLimit: 20 });
      return c.json(boardImagesJson(views, { publicUrl, pagination }));
    })
    .post("/api/v1/boards/:id/images", async (c) => {
      callerOf(c, "generate");
      const { imageIds } = await readJsonFields(c, imagesInput);
      await putOnBoard(store, { ...nameOf(c), imageIds });
      return c.json(await toJson(await find(c)));
    })
    .delete("/api/v1/boards/:id/images/:imageId", async (c) => {
      const { user } = callerOf(c, "generate");
      const { id: boardId } = await find(c);
      const image = await findImage(store, { userId: user.id, imageId: c.req.param("imageId") });
      if (!isOn(image, boardId)) throw notFound();
      await takeOffBoard(store, { ...nameOf(c), imageIds: [image.id] });
      return c.json(await toJson(await find(c)));
    })
    .get("/boards", async (c) => c.html(await boardsPage(c)))
    .post("/boards", async (c) => {
      const { user } = callerOf(c, "generate");
      const fields = await readFormFields(c, changesForm);
      const page = ({ message }: Refusal) => boardsPage(c, { problem: message, name: fields.name });
      return await orProblem(c, { page }, async () => {
        const input = readFields(newBoardInput, { name: fields.name ?? "" });
        const board = await createBoard(store, { userId: user.id, ...input });
        return c.redirect(`/boards/${board.id}`, 303);
      });
    })
    .get("/boards/:id", async (c) => c.html(await boardPage(c)))
    .get("/boards/:id/part", async (c) => {
      const board = await find(c);
      const { views, pagination } = await readPictures(c, { board, defaultLimit: partLength });
      const parts = Number(c.req.query("parts")) || 1;
      return c.html(<BoardTiles board={board} images={views} next={pagination.next} parts={parts} />);
    })
    .post("/boards/:id", async (c) => {
      callerOf(c, "generate");
      const { coverId, ...fields } = await readFormFields(c, changesForm);
      const page = ({ message }: Refusal) => boardPage(c, { problem: message });
      return await orProblem(c, { page }, async () => {
        const changes = readFields(boardChanges, {
          ...fields,
          ...(coverId !== undefined && { coverId: coverId || null }),
        });
        const { id } = await changeBoard(store, nameOf(c), changes);
        return c.redirect(`/boards/${id}`, 303);
      });
    })
    .post("/boards/:id/off", async (c) => {
      callerOf(c, "generate");
      const { image } = await readFormLists(c, z.object({ image: z.array(z.string()).default([]) }));
      const board = await find(c);
      await takeOffBoard(store, { ...nameOf(c), imageIds: image });
      return c.redirect(`/boards/${board.id}`, 303);
    })
    .post("/boards/:id/delete", async (c) => {
      callerOf(c, "generate");
      await deleteBoard(store, nameOf(c));
      await returnRecipes(store, c.req.param("id"));
      return c.redirect("/boards", 303);
    });

  function nameOf(c: AppContext) {
    return { userId: callerOf(c).user.id, boardId: c.req.param("id")! };
  }

  async function find(c: AppContext): Promise<Board> {
    return (await findBoard(store, nameOf(c))).value;
  }

  async function toJson(board: Board) {
    const [view] = await viewBoards(store, [board]);
    return boardJson(view);
  }

  async function readBoards(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: "boards", secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listBoards(store, { userId: user.id, ...query.start });
    return { views: await viewBoards(store, page.items), pagination: paginate(page, { name, query }) };
  }

  async function readPictures(
    c: AppContext,
    { board, defaultLimit }: { board: Board; defaultLimit: number },
  ) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: `board/${board.id}`, secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listBoardImages(store, { boardId: board.id, ...query.start });
    return { views: await viewPictures(store, page.items), pagination: paginate(page, { name, query }) };
  }

  async function boardsPage(c: AppContext, shown: { problem?: string; name?: string } = {}) {
    const { user } = callerOf(c);
    const { views, pagination } = await readBoards(c, { defaultLimit: shownBoards });
    return <BoardsPage user={user} boards={views} next={pagination.next} {...shown} />;
  }

  async function boardPage(c: AppContext, shown: { problem?: string } = {}) {
    const { user } = callerOf(c);
    const board = await find(c);
    const cursor = await readCursor(store, user.id);
    const [pictures, [view], knownTags, boards, deleted] = await Promise.all([
      readPictures(c, { board, defaultLimit: partLength }),
      viewBoards(store, [board]),
      listTags(store, user.id),
      allBoards(store, user.id),
      readDeleted(c, store),
    ]);
    return (
      <BoardPage
        {...{ user, cursor, view, knownTags, boards, deleted }}
        images={pictures.views}
        next={pictures.pagination.next}
        {...shown}
      />
    );
  }
}
