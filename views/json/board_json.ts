/** A board, and the list of boards. */
import { z } from "zod";
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import { imageItemShape, imageItemsJson, marksJson, marksShape } from "./image_json.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, timeValue } from "./values.ts";

export const boardShape = z.strictObject({
  id: idValue,
  name: z.string(),
  description: z.string(),
  /** The caller's. */
  role: z.enum(["owner"]),
  /** How many pictures are on it. */
  images: z.int().nonnegative(),
  /** The picture that stands for it; null where there is none. */
  coverId: idValue.nullable(),
  members: z.array(z.strictObject({ userId: idValue, name: z.string(), role: z.string() })),
  createdAt: timeValue,
});

export function boardFields({ board, images, cover }: BoardView): z.output<typeof boardShape> {
  return {
    id: board.id,
    name: board.name,
    description: board.description,
    role: "owner",
    images,
    coverId: cover && cover.id,
    members: [],
    createdAt: iso(board.createdAt),
  };
}

export const boardAnswer = answer({ board: boardShape });

export function boardJson(view: BoardView): z.output<typeof boardAnswer> {
  return { success: true, board: boardFields(view) };
}

export const boardListAnswer = answer({ boards: z.array(boardShape), pagination: paginationShape });

export function boardListJson(
  views: readonly BoardView[],
  pagination: Pagination,
): z.output<typeof boardListAnswer> {
  return { success: true, boards: views.map(boardFields), pagination };
}

export const boardImagesAnswer = answer({
  images: z.array(imageItemShape.extend(marksShape)),
  pagination: paginationShape,
});

export function boardImagesJson(
  views: readonly PictureView[],
  { publicUrl, pagination }: { publicUrl: string; pagination: Pagination },
): z.output<typeof boardImagesAnswer> {
  const items = imageItemsJson(views, publicUrl);
  const images = items.map((item, i) => ({ ...item, ...marksJson(views[i].image) }));
  return { success: true, images, pagination };
}
