/** What people say about something that several of them see. What a comment is about says who may see it. */
import { Hono } from "hono";
import { z } from "zod";
import { boardPlace } from "../../lib/boards/board_comments.ts";
import {
  boardThread,
  type Comment,
  type CommentSubject,
  commentText,
  recipeThread,
} from "../../lib/comments/comment.ts";
import {
  addComment,
  type CommentPlace,
  deleteComment,
  editComment,
  findComment,
  listComments,
  viewComments,
} from "../../lib/comments/comment_store.ts";
import { readFields } from "../../lib/fields.ts";
import { recipePlace } from "../../lib/recipes/recipe_comments.ts";
import { isId } from "../../lib/ids.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { CommentsPage } from "../../views/comments/comments_page.tsx";
import { SaidFragment } from "../../views/comments/comments.tsx";
import { EditCommentPage } from "../../views/comments/edit_comment_page.tsx";
import { commentsOf } from "../../views/boards/board_page.tsx";
import { commentJson, commentListJson } from "../../views/json/comment_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readFormFields, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { type BoardPages, commentList } from "../boards/board_pages.tsx";

const idWords = "imageId must be the id of a picture on the board, or null";
export const newComment = z.strictObject({
  imageId: z.string({ error: idWords }).nullable().default(null).describe(
    "The picture on the board that it is about; null: the board.",
  ),
  text: commentText,
});
export const changedComment = z.strictObject({ text: commentText });
const commentForm = z.object({ text: z.string().default(""), imageId: z.string().optional() });

type CommentDeps = Pick<AppDeps, "store" | "secret"> & { boardPages: BoardPages };

export function commentRoutes({ store, secret, boardPages }: CommentDeps) {
  const { find, view, readComments, page: boardPage } = boardPages;
  return new Hono<AppEnv>()
    .get("/api/v1/boards/:id/comments", async (c) => {
      const { views, pagination } = await readList(c, { defaultLimit: 20 });
      return c.json(commentListJson(views, pagination));
    })
    .post("/api/v1/boards/:id/comments", async (c) => {
      callerOf(c, "generate");
      await find(c, "comment");
      const { imageId, text } = await readJsonFields(c, newComment);
      return c.json(await toJson(c, await say(c, { imageId, text })), 201);
    })
    .get("/api/v1/recipes/:id/versions/:n/comments", async (c) => {
      const { user } = callerOf(c);
      const { recipeId, version } = versionOf(c);
      const place = await recipePlace(store, { userId: user.id, recipeId, version });
      const name = { userId: user.id, list: `recipe/${recipeId}/${version}/comments`, secret };
      const query = readListQuery(c, { ...name, defaultLimit: 20 });
      const page = await listComments(store, { thread: recipeThread(recipeId, version), ...query.start });
      const seen = { userId: user.id, shared: place.shared.value };
      const views = await viewComments(store, { comments: page.items, ...seen });
      return c.json(commentListJson(views, paginate(c, { page, name, query })));
    })
    .post("/api/v1/recipes/:id/versions/:n/comments", async (c) => {
      const { user } = callerOf(c, "generate");
      const name = { userId: user.id, ...versionOf(c) };
      await recipePlace(store, name);
      const { text } = await readJsonFields(c, changedComment);
      const said = await addComment(store, { user, text, find: () => recipePlace(store, name) });
      return c.json(await toJson(c, said), 201);
    })
    .patch("/api/v1/comments/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      await demandSeen(c);
      const { text } = await readJsonFields(c, changedComment);
      return c.json(await toJson(c, await editComment(store, { user, text, ...named(c) })));
    })
    .delete("/api/v1/comments/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      await deleteComment(store, { user, ...named(c) });
      return c.json(doneJson());
    })
    .get("/boards/:id/comments", async (c) => {
      const { user } = callerOf(c);
      const board = await find(c, "see");
      const { views, pagination } = await readList(c, { defaultLimit: 50 });
      const comments = { views, next: pagination.next, pictures: [] };
      return c.html(<CommentsPage {...{ user, view: await view(c, board), comments }} />);
    })
    .post("/boards/:id/comments", async (c) => {
      const { user } = callerOf(c, "generate");
      const board = await find(c, "comment");
      const { text, imageId = null } = await readFormFields(c, commentForm);
      const page = ({ message }: Refusal) => boardPage(c, { commentProblem: message, commentText: text });
      return await orProblem(c, { page }, async () => {
        const fields = readFields(changedComment, { text });
        const { subject } = await say(c, { imageId, text: fields.text });
        if (!wantsFragment(c)) return c.redirect((await placeOf(c, subject)).href, 303);
        const [shown, comments] = await Promise.all([
          view(c, board),
          readComments(c, { board, imageId }),
        ]);
        const props = commentsOf({ user, view: shown, comments, imageId: imageId ?? undefined });
        return c.html(<SaidFragment {...props} />);
      });
    })
    .get("/comments/:id", async (c) => {
      const { comment, place } = await demandOwn(c);
      return c.html(<EditCommentPage user={callerOf(c).user} comment={comment} back={place.href} />);
    })
    .post("/comments/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      const { comment, place } = await demandOwn(c);
      const { text } = await readFormFields(c, commentForm);
      const page = ({ message }: Refusal) => (
        <EditCommentPage {...{ user, comment, text }} back={place.href} problem={message} />
      );
      return await orProblem(c, { page }, async () => {
        const fields = readFields(changedComment, { text });
        await editComment(store, { user, text: fields.text, ...named(c) });
        return c.redirect(place.href, 303);
      });
    })
    .post("/comments/:id/delete", async (c) => {
      const { user } = callerOf(c, "generate");
      const { subject } = await deleteComment(store, { user, ...named(c) });
      // Whoever has a script hears of it like all others who look on.
      return wantsFragment(c) ? c.body(null, 204) : c.redirect((await placeOf(c, subject)).href, 303);
    });

  /** Refuses with `not_found` what is no number of a version. */
  function versionOf(c: AppContext): { recipeId: string; version: number } {
    const n = c.req.param("n")!;
    if (!/^[1-9]\d{0,8}$/.test(n)) throw notFound();
    return { recipeId: c.req.param("id")!, version: Number(n) };
  }

  /** What a comment of each kind is about, and who may see that; refuses with `not_found` what the caller may not. */
  function placeOf(c: AppContext, subject: CommentSubject): Promise<CommentPlace> {
    const { user } = callerOf(c);
    if (subject.kind === "board") {
      return boardPlace(store, { ...subject, userId: user.id, isThere: false });
    }
    return recipePlace(store, { ...subject, userId: user.id });
  }

  function named(c: AppContext) {
    return {
      commentId: c.req.param("id")!,
      findPlace: (subject: CommentSubject) => placeOf(c, subject),
    };
  }

  async function demandSeen(c: AppContext): Promise<{ comment: Comment; place: CommentPlace }> {
    const { value: comment } = await findComment(store, c.req.param("id")!);
    return { comment, place: await placeOf(c, comment.subject) };
  }

  async function demandOwn(c: AppContext): Promise<{ comment: Comment; place: CommentPlace }> {
    const seen = await demandSeen(c);
    if (seen.comment.authorId === callerOf(c).user.id) return seen;
    throw new Refusal("forbidden", "A comment is changed by whoever wrote it");
  }

  function say(c: AppContext, { imageId, text }: { imageId: string | null; text: string }) {
    const { user } = callerOf(c);
    const name = { userId: user.id, boardId: c.req.param("id")!, imageId };
    return addComment(store, { user, text, find: () => boardPlace(store, name) });
  }

  async function toJson(c: AppContext, comment: Comment) {
    const { shared } = await placeOf(c, comment.subject);
    const { id: userId } = callerOf(c).user;
    const [view] = await viewComments(store, { comments: [comment], userId, shared: shared.value });
    return commentJson(view);
  }

  async function readList(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const board = await find(c, "see");
    const imageId = c.req.query("imageId") ?? null;
    if (imageId !== null && !isId(imageId)) throw notFound();
    const name = { userId: user.id, list: commentList(board.id, imageId), secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listComments(store, { thread: boardThread(board.id, imageId), ...query.start });
    const views = await viewComments(store, { comments: page.items, userId: user.id, shared: board });
    return { views, pagination: paginate(c, { page, name, query }) };
  }
}
