/** What somebody said, and the list of it. */
import { z } from "zod";
import type { Comment } from "../../lib/comments/comment.ts";
import type { CommentView } from "../../lib/comments/comment_store.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, maybeIso, timeValue } from "./values.ts";

export const commentShape = z.strictObject({
  id: idValue,
  imageId: idValue.nullable().describe("Null: it is about the board, or about a version of a recipe."),
  author: z.string().describe("Their name."),
  authorId: idValue,
  text: z.string(),
  createdAt: timeValue,
  editedAt: timeValue.nullable().describe("Null: it stands as it was written."),
}).meta({ id: "Comment", description: "What somebody said." });

export function commentFields({ comment, authorName }: CommentView): z.output<typeof commentShape> {
  return {
    id: comment.id,
    imageId: comment.subject.kind === "board" ? comment.subject.imageId : null,
    author: authorName,
    authorId: comment.authorId,
    text: comment.text,
    createdAt: iso(comment.createdAt),
    editedAt: maybeIso(comment.editedAt),
  };
}

/** As it stands in the archive of whoever wrote it. */
export function ownCommentFields({ id, subject, text, createdAt, editedAt }: Comment) {
  return { id, subject, text, createdAt: iso(createdAt), editedAt: maybeIso(editedAt) };
}

export const commentAnswer = answer({ comment: commentShape });

export function commentJson(view: CommentView): z.output<typeof commentAnswer> {
  return { success: true, comment: commentFields(view) };
}

export const commentListAnswer = answer({ comments: z.array(commentShape), pagination: paginationShape });

export function commentListJson(
  views: readonly CommentView[],
  pagination: Pagination,
): z.output<typeof commentListAnswer> {
  return { success: true, comments: views.map(commentFields), pagination };
}
