/** What people say of one picture: stars, tags, and the boards that it is put onto. */
import { Hono } from "hono";
import { z } from "zod";
import { allBoards, createBoard } from "../../lib/boards/board_store.ts";
import { newBoardInput } from "../../lib/boards/board.ts";
import { putOnBoard, takeOffBoard } from "../../lib/boards/board_pictures.ts";
import { readFields } from "../../lib/fields.ts";
import { foldTag, splitTags, tagsValue } from "../../lib/tags.ts";
import type { Image } from "../../lib/images/image.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { markImage } from "../../lib/batches/mark_image.ts";
import { type Marking, marksInput, rated, tagged, taggedToo } from "../../lib/images/marking.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Store } from "../../lib/store/store.ts";
import { OnBoardsFragment, TaggedFragment } from "../../views/images/marks.tsx";
import { RatedFragment } from "../../views/images/rating.tsx";
import { imageJson } from "../../views/json/image_json.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { readFormFields, readJsonFields } from "../http/input.ts";
import { ownPath } from "../http/return_path.ts";

const returnTo = z.string().optional();
const ratingForm = z.object({ rating: z.string(), returnTo });
const tagsForm = z.object({ tags: z.string().default(""), remove: z.string().optional() });
const boardsForm = z.object({
  board: z.string().default(""),
  name: z.string().default(""),
  remove: z.string().optional(),
});

export function markRoutes({ store, publicUrl }: Pick<AppDeps, "store" | "publicUrl">) {
  return new Hono<AppEnv>()
    .patch("/api/v1/images/:id", async (c) => {
      callerOf(c, "generate");
      const { rating, tags } = await readJsonFields(c, marksInput);
      const marks = [
        ...rating === undefined ? [] : [rated(rating)],
        ...tags === undefined ? [] : [tagged(tags)],
      ];
      const image = await mark(c, (image) => marks.reduce((marked, next) => next(marked), image));
      const [view] = await viewPictures(store, [image]);
      return c.json(imageJson(view, publicUrl));
    })
    .post("/images/:id/rating", async (c) => {
      callerOf(c, "generate");
      const fields = await readFormFields(c, ratingForm);
      const image = await mark(c, rated(readRating(fields.rating)));
      if (wantsFragment(c)) return c.html(<RatedFragment image={image} />);
      return c.redirect(fields.returnTo === undefined ? pageOf(image) : ownPath(fields.returnTo), 303);
    })
    .post("/images/:id/tags", async (c) => {
      callerOf(c, "generate");
      const { tags, remove } = await readFormFields(c, tagsForm);
      const image = await mark(c, remove === undefined ? taggedToo(readTags(tags)) : untagged(remove));
      return wantsFragment(c) ? c.html(<TaggedFragment image={image} />) : c.redirect(pageOf(image), 303);
    })
    .post("/images/:id/boards", async (c) => {
      const { user } = callerOf(c, "generate");
      const { board, name, remove } = await readFormFields(c, boardsForm);
      const named = { userId: user.id, imageId: c.req.param("id") };
      const { id } = await findImage(store, named);
      if (remove !== undefined) {
        await takeOffBoard(store, { userId: user.id, boardId: remove, imageIds: [id] });
      } else {
        const boardId = await chosenBoard(store, { userId: user.id, board, name });
        await putOnBoard(store, { userId: user.id, boardId, imageIds: [id] });
      }
      const image = await findImage(store, named);
      if (!wantsFragment(c)) return c.redirect(pageOf(image), 303);
      return c.html(<OnBoardsFragment image={image} boards={await allBoards(store, user.id)} />);
    });

  function mark(c: AppContext, marking: Marking): Promise<Image> {
    return markImage(store, { userId: callerOf(c).user.id, imageId: c.req.param("id")! }, marking);
  }
}

/** The board that a form names, which may be a new one. */
export async function chosenBoard(
  store: Store,
  { userId, board, name }: { userId: string; board: string; name: string },
): Promise<string> {
  if (board !== "") return board;
  if (name.trim() === "") throw new Refusal("invalid_request", "Choose a board, or name a new one");
  return (await createBoard(store, { userId, ...readFields(newBoardInput, { name }) })).id;
}

/** Tags as somebody typed them. */
export function readTags(text: string): string[] {
  const { tags } = readFields(z.object({ tags: tagsValue }), { tags: splitTags(text) });
  if (tags.length === 0) throw new Refusal("invalid_request", "Type a tag first", { field: "tags" });
  return tags;
}

/** As a button says it. */
export function readRating(text: string): number {
  return readFields(marksInput.required({ rating: true }), { rating: text === "" ? NaN : Number(text) })
    .rating;
}

function untagged(text: string): Marking {
  const gone = foldTag(text);
  return (image) => tagged(image.tags.filter((tag) => tag !== gone))(image);
}

function pageOf({ id }: Image): string {
  return `/images/${id}`;
}
