/** What comments state of themselves (`store/noun.ts`). */
import { idInKey, idInValue, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { type Comment, threadsOf } from "./comment.ts";

export type CommentFacts = Pick<Comment, "id" | "subject" | "number" | "authorId">;

export const commentNoun: Noun<Comment, CommentFacts> = {
  kind: kinds.comments,
  facts: ({ value: { id, subject, number, authorId } }) => ({ id, subject, number, authorId }),
  implied: ({ id, subject, number, authorId }) => [
    ...threadsOf(subject).map((thread) => listed(lists.comments(thread), { number, id })),
    { key: keys.commentBy(authorId, id), value: null },
  ],
  indexes: [
    { prefix: kinds.commentLists, name: "thread_entry", recordId: idInValue },
    { prefix: kinds.commentsBy, name: "comment_by", recordId: idInKey },
  ],
};
