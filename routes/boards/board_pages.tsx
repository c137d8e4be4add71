/** The page of a board, which several forms come back to, and what it is made of. */
import { findBoard } from "../../lib/boards/access.ts";
import type { Board } from "../../lib/boards/board.ts";
import { type BoardView, isOn, listBoardImages, viewBoards } from "../../lib/boards/board_pictures.ts";
import { allBoards, readBoardChanges } from "../../lib/boards/board_store.ts";
import { boardThread } from "../../lib/comments/comment.ts";
import { listComments, viewComments } from "../../lib/comments/comment_store.ts";
import type { Image } from "../../lib/images/image.ts";
import { listTags } from "../../lib/images/image_search.ts";
import { readImages } from "../../lib/images/image_store.ts";
import { firstCursor, isCursor } from "../../lib/live/cursor.ts";
import { tileOf, viewBoardPictures } from "../../lib/live/seen_picture.ts";
import { boardTopic, readTopicCursor } from "../../lib/live/topic.ts";
import { viewPresence } from "../../lib/live/view_presence.ts";
import { notFound } from "../../lib/refusal.ts";
import type { Right } from "../../lib/users/membership.ts";
import {
  type BoardComments,
  type BoardNewsProps,
  BoardPage,
  type BoardPageProps,
} from "../../views/boards/board_page.tsx";
import { boardJson } from "../../views/json/board_json.ts";
import { type AppContext, type AppDeps, callerOf } from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readDeleted } from "../images/gallery.tsx";

export const partLength = 24;
const shownComments = 50;

/** Why something was not done, or whom a name may mean. */
export type ShownOnBoard = Pick<
  BoardPageProps,
  "problem" | "peopleProblem" | "people" | "commentProblem" | "commentText"
>;

export type BoardPages = ReturnType<typeof createBoardPages>;

export function createBoardPages(
  { store, secret, presence }: Pick<AppDeps, "store" | "secret" | "presence">,
) {
  return { nameOf, find, view, toJson, readPictures, readComments, readNews, readPictureNews, page };

  function nameOf(c: AppContext): { userId: string; boardId: string } {
    return { userId: callerOf(c).user.id, boardId: c.req.param("id")! };
  }

  /** Refuses with `not_found` or `forbidden` what the caller may not do with it. */
  async function find(c: AppContext, right: Right): Promise<Board> {
    return (await findBoard(store, { ...nameOf(c), right })).value;
  }

  /** Refuses with `not_found` where the caller has been taken off it in the meantime. */
  async function view(c: AppContext, board: Board): Promise<BoardView> {
    const [view] = await viewBoards(store, { userId: callerOf(c).user.id, boards: [board] });
    if (view === undefined) throw notFound();
    return view;
  }

  async function toJson(c: AppContext, board: Board) {
    return boardJson(await view(c, board));
  }

  async function readPictures(
    c: AppContext,
    { board, defaultLimit }: { board: Board; defaultLimit: number },
  ) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: `board/${board.id}`, secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listBoardImages(store, { boardId: board.id, ...query.start });
    const pictures = await viewBoardPictures(store, { userId: user.id, board, images: page.items });
    return { pictures, pagination: paginate(c, { page, name, query }) };
  }

  /** What was said on it, or of a picture there, the latest first. */
  async function readComments(
    c: AppContext,
    { board, imageId = null }: { board: Board; imageId?: string | null },
  ): Promise<BoardComments> {
    const { user } = callerOf(c);
    const page = await listComments(store, { thread: boardThread(board.id, imageId), limit: shownComments });
    const views = await viewComments(store, { comments: page.items, userId: user.id, shared: board });
    const name = { userId: user.id, list: commentList(board.id, imageId), secret };
    const { next } = paginate(c, { page, name, query: { start: { limit: shownComments }, offset: 0 } });
    const ids = page.items.flatMap(({ subject }) =>
      subject.kind === "board" && subject.imageId !== null ? [subject.imageId] : []
    );
    const pictures = (await readImages(store, [...new Set(ids)])).map(({ value }) => value);
    return { views, next, pictures: pictures.filter((image) => isOn(image, board.id)) };
  }

  /** What has changed since a page was shown: all of it but its pictures, and of those the ones that came or went. */
  async function readNews(c: AppContext, board: Board): Promise<BoardNewsProps> {
    const { user } = callerOf(c);
    const { changed, cursor } = await readBoardChanges(store, { boardId: board.id, since: readSince(c) });
    const found = (await readImages(store, changed)).map(({ value }) => value);
    const here = found.filter((image) => isOn(image, board.id));
    const numberOf = ({ boards }: Image) => boards.find(({ boardId }) => boardId === board.id)!.number;
    const images = here.toSorted((a, b) => numberOf(a) - numberOf(b));
    const [shown, comments, pictures] = await Promise.all([
      view(c, board),
      readComments(c, { board }),
      viewBoardPictures(store, { userId: user.id, board, images }),
    ]);
    const hereIds = new Set(here.map(({ id }) => id));
    const goneIds = changed.filter((id) => !hereIds.has(id));
    return { user, view: shown, comments, cursor, arrived: pictures.map(tileOf), goneIds };
  }

  /** What has changed of a picture there: what is said of it. */
  async function readPictureNews(c: AppContext, { board, imageId }: { board: Board; imageId: string }) {
    const { cursor } = await readBoardChanges(store, { boardId: board.id, since: readSince(c) });
    const [shown, comments] = await Promise.all([view(c, board), readComments(c, { board, imageId })]);
    return { user: callerOf(c).user, view: shown, comments, cursor, imageId };
  }

  async function page(c: AppContext, shown: ShownOnBoard = {}) {
    const { user } = callerOf(c);
    const topic = boardTopic(c.req.param("id")!);
    const cursor = await readTopicCursor(store, { userId: user.id, topic });
    const board = await find(c, "see");
    const [found, shownBoard, comments, here, knownTags, boards, deleted] = await Promise.all([
      readPictures(c, { board, defaultLimit: partLength }),
      view(c, board),
      readComments(c, { board }),
      viewPresence({ store, presence }, { topic, userId: user.id }),
      listTags(store, user.id),
      allBoards(store, user.id),
      readDeleted(c, store),
    ]);
    return (
      <BoardPage
        {...{ user, cursor, view: shownBoard, comments, here, knownTags, boards, deleted }}
        images={found.pictures.map(tileOf)}
        next={found.pagination.next}
        {...shown}
      />
    );
  }
}

/** What a list of comments is called in the cursors of its pages. */
export function commentList(boardId: string, imageId: string | null): string {
  return `comments/${boardId}/${imageId ?? ""}`;
}

/** Up to where a page shows everything. */
export function readSince(c: AppContext): string {
  const since = c.req.query("since");
  return since !== undefined && isCursor(since) ? since : firstCursor;
}
