/** Boards: their pages, and the same for programs. */
import { Hono } from "hono";
import { z } from "zod";
import { findSeenImage } from "../../lib/boards/access.ts";
import { boardChanges, newBoardInput } from "../../lib/boards/board.ts";
import { isOn, putOnBoard, takeOffBoard, viewBoards } from "../../lib/boards/board_pictures.ts";
import {
  changeBoard,
  createBoard,
  listBoards,
  listSeenBoards,
  listSharedBoards,
} from "../../lib/boards/board_store.ts";
import { deleteBoard } from "../../lib/boards/delete_board.ts";
import { returnRecipes } from "../../lib/recipes/leave_recipes.ts";
import { readFields } from "../../lib/fields.ts";
import { isId } from "../../lib/ids.ts";
import { readImage } from "../../lib/images/image_store.ts";
import { tileOf } from "../../lib/live/seen_picture.ts";
import { notFound, orNull, type Refusal } from "../../lib/refusal.ts";
import { BoardNews, BoardTiles, PictureNews } from "../../views/boards/board_page.tsx";
import { BoardsPage } from "../../views/boards/boards_page.tsx";
import { boardImagesJson, boardListJson } from "../../views/json/board_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readFormFields, readFormLists, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { type BoardPages, partLength } from "./board_pages.tsx";

const shownBoards = 60;

const idsWords = 'imageIds must be a list of ids such as ["…"], at most 500';
export const imagesInput = z.strictObject({
  imageIds: z.array(z.string({ error: idsWords }), { error: idsWords }).min(1, idsWords).max(500, idsWords),
});
const changesForm = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  coverId: z.string().optional(),
});

const listings = { mine: listBoards, shared: listSharedBoards, all: listSeenBoards };

type BoardDeps = Pick<AppDeps, "store" | "publicUrl" | "secret"> & { boardPages: BoardPages };

export function boardRoutes({ store, publicUrl, secret, boardPages }: BoardDeps) {
  const { nameOf, find, toJson, readPictures, readNews, readPictureNews, page: boardPage } = boardPages;
  return new Hono<AppEnv>()
    .get("/api/v1/boards", async (c) => {
      const { views, pagination } = await readBoards(c, { tab: "all", defaultLimit: 50 });
      return c.json(boardListJson(views, pagination));
    })
    .post("/api/v1/boards", async (c) => {
      const { user } = callerOf(c, "generate");
      const board = await createBoard(store, {
        userId: user.id,
        ...await readJsonFields(c, newBoardInput),
      });
      return c.json(await toJson(c, board), 201);
    })
    .get("/api/v1/boards/:id", async (c) => c.json(await toJson(c, await find(c, "see"))))
    .patch("/api/v1/boards/:id", async (c) => {
      callerOf(c, "generate");
      await find(c, "edit");
      const changed = await changeBoard(store, nameOf(c), await readJsonFields(c, boardChanges));
      return c.json(await toJson(c, changed));
    })
    .delete("/api/v1/boards/:id", async (c) => {
      callerOf(c, "generate");
      await deleteBoard(store, nameOf(c));
      await returnRecipes(store, c.req.param("id"));
      return c.json(doneJson());
    })
    .get("/api/v1/boards/:id/images", async (c) => {
      const board = await find(c, "see");
      const { pictures, pagination } = await readPictures(c, { board, defaultLimit: 20 });
      return c.json(boardImagesJson(pictures, { publicUrl, pagination }));
    })
    .post("/api/v1/boards/:id/images", async (c) => {
      callerOf(c, "generate");
      await find(c, "edit");
      const { imageIds } = await readJsonFields(c, imagesInput);
      await putOnBoard(store, { ...nameOf(c), imageIds });
      return c.json(await toJson(c, await find(c, "see")));
    })
    .delete("/api/v1/boards/:id/images/:imageId", async (c) => {
      callerOf(c, "generate");
      const name = nameOf(c);
      const imageId = c.req.param("imageId");
      const image = isId(imageId) ? await readImage(store, imageId) : null;
      if (image === null || !isOn(image.value, name.boardId)) throw notFound();
      await takeOffBoard(store, { ...name, imageIds: [imageId] });
      const board = await orNull(find(c, "see"));
      // Somebody who has left takes their own pictures along, and sees nothing else of the board.
      return c.json(board === null ? doneJson() : await toJson(c, board));
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
      const board = await find(c, "see");
      const { pictures, pagination } = await readPictures(c, { board, defaultLimit: partLength });
      const parts = Number(c.req.query("parts")) || 1;
      const images = pictures.map(tileOf);
      return c.html(<BoardTiles board={board} images={images} next={pagination.next} parts={parts} />);
    })
    .get("/boards/:id/changes", async (c) => {
      const board = await find(c, "see");
      const imageId = c.req.query("image");
      if (imageId === undefined) return c.html(<BoardNews {...await readNews(c, board)} />);
      const image = await findSeenImage(store, { userId: callerOf(c).user.id, imageId });
      return c.html(<PictureNews {...await readPictureNews(c, { board, imageId: image.image.id })} />);
    })
    .post("/boards/:id", async (c) => {
      callerOf(c, "generate");
      await find(c, "edit");
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
      const board = await find(c, "see");
      await takeOffBoard(store, { ...nameOf(c), imageIds: image });
      return c.redirect(`/boards/${board.id}`, 303);
    })
    .post("/boards/:id/delete", async (c) => {
      callerOf(c, "generate");
      await deleteBoard(store, nameOf(c));
      await returnRecipes(store, c.req.param("id"));
      return c.redirect("/boards", 303);
    });

  async function readBoards(
    c: AppContext,
    { tab, defaultLimit }: { tab: keyof typeof listings; defaultLimit: number },
  ) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: tab === "mine" ? "boards" : `${tab} boards`, secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listings[tab](store, { userId: user.id, ...query.start });
    const views = await viewBoards(store, { userId: user.id, boards: page.items });
    return { views, pagination: paginate(c, { page, name, query }) };
  }

  async function boardsPage(c: AppContext, shown: { problem?: string; name?: string } = {}) {
    const { user } = callerOf(c);
    const tab = c.req.query("tab") === "shared" ? "shared" : "mine";
    const { views, pagination } = await readBoards(c, { tab, defaultLimit: shownBoards });
    return <BoardsPage {...{ user, tab }} boards={views} next={pagination.next} {...shown} />;
  }
}
