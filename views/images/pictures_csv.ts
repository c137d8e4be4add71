/** Pictures as rows of a table that a spreadsheet opens. */
import type { PictureView } from "../../lib/live/prompt_view.ts";
import { byteOrderMark, csvLine } from "../shell/csv.ts";

const columns = [
  "id",
  "kind",
  "promptId",
  "text",
  "model",
  "width",
  "height",
  "cost",
  "rating",
  "tags",
  "boards",
  "createdAt",
];

export const picturesHead: string = byteOrderMark + csvLine(columns);

/** `boards` has the names of boards by their ids. */
export function pictureRow(view: PictureView, { boards }: { boards: ReadonlyMap<string, string> }): string {
  const { image, prompt, text } = view;
  const onBoards = image.boards.flatMap(({ boardId }) => boards.get(boardId) ?? []);
  const cost = prompt === null ? 0 : view.costMicros === null ? "" : view.costMicros / 1_000_000;
  return csvLine([
    image.id,
    image.kind,
    prompt === null ? "" : prompt.id,
    text,
    prompt === null ? "" : view.image.model,
    image.width,
    image.height,
    cost,
    image.rating,
    image.tags.join(", "),
    onBoards.join(", "),
    new Date(image.createdAt).toISOString(),
  ]);
}
