/** A board, the list of boards, and what members and prompts of one are. */
import { z } from "zod";
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { FoundPerson } from "../../lib/boards/members.ts";
import type { SeenPicture } from "../../lib/live/seen_picture.ts";
import { imageItemShape, marksJson, marksShape, seenImageItemsJson } from "./image_json.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, timeValue } from "./values.ts";

/** As in `lib/users/membership.ts`. */
const memberRoles = ["viewer", "commenter", "editor"] as const;

export const boardShape = z.strictObject({
  id: idValue,
  name: z.string(),
  description: z.string(),
  role: z.enum(["owner", ...memberRoles]).describe("The caller's."),
  images: z.int().nonnegative().describe("How many pictures are on it."),
  coverId: idValue.nullable().describe("The picture that stands for it; null where there is none."),
  members: z.array(z.strictObject({ userId: idValue, name: z.string(), role: z.enum(memberRoles) })).describe(
    "Without the owner.",
  ),
  createdAt: timeValue,
}).meta({ id: "Board", description: "Pictures that belong together." });

export function boardFields(
  { board, role, members, images, cover }: BoardView,
): z.output<typeof boardShape> {
  return {
    id: board.id,
    name: board.name,
    description: board.description,
    role,
    images,
    coverId: cover && cover.id,
    members,
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
  pictures: readonly SeenPicture[],
  { publicUrl, pagination }: { publicUrl: string; pagination: Pagination },
): z.output<typeof boardImagesAnswer> {
  const items = seenImageItemsJson(pictures, publicUrl);
  const images = items.map((item, i) => ({ ...item, ...marksJson(pictures[i].image) }));
  return { success: true, images, pagination };
}

export const hiddenPromptsAnswer = answer({ hidden: z.boolean() });

export function hiddenPromptsJson(hidden: boolean): z.output<typeof hiddenPromptsAnswer> {
  return { success: true, hidden };
}

/** People of this server with whom a board can be shared. */
export const peopleAnswer = answer({
  people: z.array(z.strictObject({ userId: idValue, name: z.string() })),
});

export function peopleJson(people: readonly FoundPerson[]): z.output<typeof peopleAnswer> {
  return { success: true, people: people.map(({ userId, name }) => ({ userId, name })) };
}
