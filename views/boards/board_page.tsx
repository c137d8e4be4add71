/** One board: its pictures, the latest first, what can be said of it, and with whom it is shared. */
import type { Board } from "../../lib/boards/board.ts";
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { CommentView } from "../../lib/comments/comment_store.ts";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { PersonHere } from "../../lib/live/view_presence.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import type { User } from "../../lib/users/user.ts";
import { CommentListPartial, Comments, type CommentsProps } from "../comments/comments.tsx";
import { DeletedNotice } from "../images/deleted_notice.tsx";
import { PictureTiles } from "../images/gallery_page.tsx";
import { addressOf, boardQuery } from "../images/image_query.ts";
import { Tile, tileId } from "../images/picture.tsx";
import { SelectionBar } from "../images/selection_bar.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { boardPageName, TopicSince } from "../shell/topic_news.tsx";
import { BoardPeople, MemberList, type NameChoice } from "./board_people.tsx";
import { Presence } from "./presence.tsx";

export interface BoardComments {
  views: readonly CommentView[];
  /** The cursor of older ones; null: these are all. */
  next: string | null;
  /** Those that they are about, as far as they are on the board. */
  pictures: readonly Image[];
}

export interface BoardPageProps {
  user: Reader;
  cursor: string;
  view: BoardView;
  images: readonly PictureView[];
  /** The cursor of the next part; null after the last. */
  next: string | null;
  comments: BoardComments;
  /** Who else looks at it. */
  here: readonly PersonHere[];
  knownTags: readonly string[];
  /** All onto which the user may put pictures. */
  boards: readonly Board[];
  /** What was just deleted, as far as that can still be undone. */
  deleted: readonly Image[];
  /** Why it was not changed. */
  problem?: string;
  /** Why it was not shared, or whom the name may mean. */
  peopleProblem?: string;
  people?: NameChoice;
  /** Why something was not said, and what it was. */
  commentProblem?: string;
  commentText?: string;
}

export function BoardPage(props: BoardPageProps) {
  const { user, cursor, view, images, next, comments, here, knownTags, boards, deleted } = props;
  const { board, role } = view;
  const path = `/boards/${board.id}`;
  const mayEdit = role === "owner" || role === "editor";
  const isShared = view.members.length > 0;
  const isSharing = user.isSharing !== false;
  return (
    <Layout
      title={board.name}
      user={user}
      current="/boards"
      live={{ page: boardPageName(board.id), cursor }}
    >
      {deleted.length > 0 && <DeletedNotice images={deleted} />}
      <TopicSince cursor={cursor} />
      <BoardHead view={view} />
      <Presence here={here} />
      <div class="actions board-actions">
        {mayEdit && <a class="button" href={`/generator?boardId=${board.id}`}>Make pictures for it</a>}
        {view.images > 1 && !isShared && (
          <a class="button" href={addressOf("/gallery/pick", boardQuery(board.id))}>Pick the best</a>
        )}
        {role === "owner" && isSharing && (
          <a class="button" href={`/shares/new?boardId=${board.id}`}>Share by link</a>
        )}
        {mayEdit && <ChangeBoard view={view} images={images} problem={props.problem} />}
        {role === "owner" && <DeleteBoard board={board} />}
      </div>
      <div class={isShared ? "board-room" : "board-room alone"}>
        <div class="board-pictures">
          <form class="selection" method="post" action="/gallery/selection">
            <ul id="gallery" class="tiles gallery" data-arrivals="">
              <BoardTiles board={board} images={images} next={next} parts={1} />
            </ul>
            <SelectionBar
              {...{ knownTags, boards, isSharing }}
              board={mayEdit ? board : undefined}
              returnTo={path}
            />
          </form>
          {view.images === 0 && <Empty mayEdit={mayEdit} />}
        </div>
        <aside class="board-aside" aria-label={isShared ? "People and comments" : "People"}>
          <BoardPeople {...{ user, view }} problem={props.peopleProblem} people={props.people} />
          {isShared && mayEdit && <HidePrompts view={view} user={user} />}
          {isShared && (
            <Comments
              {...commentsOf({ user, view, comments })}
              problem={props.commentProblem}
              text={props.commentText}
            />
          )}
        </aside>
      </div>
    </Layout>
  );
}

/** It changes live. */
function BoardHead({ view: { board, role, images, ownerName } }: { view: BoardView }) {
  return (
    <div id="board-head">
      <div class="heading">
        <h1 dir="auto">{board.name}</h1>
        <p class="muted">
          {plural(images, "picture")}
          {role !== "owner" && (
            <>
              , shared by <bdi>{ownerName}</bdi>
            </>
          )}
        </p>
        <a class="button quiet" rel="up" href={role === "owner" ? "/boards" : "/boards?tab=shared"}>
          {role === "owner" ? "All boards" : "Shared with me"}
        </a>
      </div>
      {board.description !== "" && <p class="board-text" dir="auto">{board.description}</p>}
    </div>
  );
}

function Empty({ mayEdit }: { mayEdit: boolean }) {
  return (
    <div class="empty">
      <p>
        Nothing is on this board yet.
        {mayEdit && " Select pictures in the gallery and add them, or make new ones for it."}
      </p>
      {mayEdit && <a class="button primary" href="/gallery">Choose pictures</a>}
    </div>
  );
}

export function commentsOf(
  { user, view: { board, role }, comments: { views, next, pictures }, imageId }: {
    user: User;
    view: BoardView;
    comments: BoardComments;
    /** The picture that all of them are about; undefined: they are about the board and any picture. */
    imageId?: string;
  },
): CommentsProps {
  const here = `/boards/${board.id}`;
  const narrowed = imageId === undefined ? "" : `imageId=${imageId}`;
  return {
    user,
    action: `${here}/comments`,
    writing: `${here}/writing`,
    views,
    older: next && addressOf(`${here}/comments`, narrowed, `cursor=${next}`),
    mayComment: role !== "viewer",
    imageId,
    pictures,
    pictureAddress: imageId === undefined
      ? (id) => `${addressOf(`/images/${id}`, boardQuery(board.id))}#comments`
      : undefined,
  };
}

export function BoardTiles({ board, images, next, parts }: {
  board: Board;
  images: readonly PictureView[];
  next: string | null;
  parts: number;
}) {
  const place = { path: `/boards/${board.id}`, narrowed: "" };
  return <PictureTiles {...{ images, next, parts, place }} query={boardQuery(board.id)} />;
}

export interface BoardNewsProps {
  user: User;
  view: BoardView;
  comments: BoardComments;
  cursor: string;
  /** Pictures that are here and may be new, those that came last at the end. */
  arrived: readonly PictureView[];
  goneIds: readonly string[];
}

/** What has changed, for a page that shows the board already. */
export function BoardNews({ user, view, comments, cursor, arrived, goneIds }: BoardNewsProps) {
  return (
    <>
      <hx-partial hx-target="#topic-since" hx-swap="outerHTML">
        <TopicSince cursor={cursor} />
      </hx-partial>
      <hx-partial hx-target="#board-head" hx-swap="outerMorph">
        <BoardHead view={view} />
      </hx-partial>
      <hx-partial hx-target="#members" hx-swap="outerMorph">
        <MemberList user={user} view={view} />
      </hx-partial>
      <CommentListPartial {...commentsOf({ user, view, comments })} />
      {goneIds.map((id) => <hx-partial hx-target={`#${tileId(id)}`} hx-swap="delete"></hx-partial>)}
      {arrived.length > 0 && (
        <hx-partial hx-target="#gallery" hx-swap="place">
          {arrived.map((picture) => <Tile view={picture} query={boardQuery(view.board.id)} isSelectable />)}
        </hx-partial>
      )}
    </>
  );
}

/** The same for the page of a picture on it. */
export function PictureNews({ user, view, comments, cursor, imageId }: {
  user: User;
  view: BoardView;
  comments: BoardComments;
  cursor: string;
  imageId: string;
}) {
  return (
    <>
      <hx-partial hx-target="#topic-since" hx-swap="outerHTML">
        <TopicSince cursor={cursor} />
      </hx-partial>
      <CommentListPartial {...commentsOf({ user, view, comments, imageId })} />
    </>
  );
}

function ChangeBoard({ view: { board }, images, problem }: {
  view: BoardView;
  images: readonly PictureView[];
  problem?: string;
}) {
  return (
    <details class="change-board" open={problem !== undefined}>
      <summary>Change</summary>
      <form method="post" action={`/boards/${board.id}`}>
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            value={board.name}
            dir="auto"
            autocomplete="off"
            required
            maxlength={80}
          />
        </div>
        <div class="field">
          <label for="description">Description</label>
          <textarea id="description" name="description" dir="auto" rows={3} maxlength={2000}>
            {board.description}
          </textarea>
        </div>
        {images.length > 0 && (
          <div class="field">
            <label for="coverId">Cover</label>
            <select id="coverId" name="coverId">
              <option value="">The latest picture</option>
              {isOffered(board, images) || <option value={board.coverId!} selected>As it is</option>}
              {images.map(({ image, text }) => (
                <option value={image.id} selected={image.id === board.coverId}>{text}</option>
              ))}
            </select>
          </div>
        )}
        <button type="submit">Save</button>
      </form>
    </details>
  );
}

/** The cover may be a picture farther down. */
function isOffered({ coverId }: Board, images: readonly PictureView[]): boolean {
  return coverId === null || images.some(({ image }) => image.id === coverId);
}

function DeleteBoard({ board }: { board: Board }) {
  return (
    <details class="delete">
      <summary>Delete</summary>
      <form method="post" action={`/boards/${board.id}/delete`}>
        <p>
          The board goes for good, for everybody, with all that was said on it. Its pictures stay, in the
          gallery and on other boards.
        </p>
        <button class="danger" type="submit">Delete this board</button>
      </form>
    </details>
  );
}

/** What somebody asked for is theirs to show. */
function HidePrompts({ view: { board }, user }: { view: BoardView; user: User }) {
  const isHidden = board.promptsHiddenBy.includes(user.id);
  return (
    <form class="hide-prompts" method="post" action={`/boards/${board.id}/hidden-prompts`}>
      <input type="hidden" name="hidden" value={isHidden ? "" : "1"} />
      <p class="muted">
        {isHidden
          ? "Others see your pictures here without their prompts."
          : "Others see your pictures here with their prompts."}
      </p>
      <button class="quiet" type="submit">{isHidden ? "Show my prompts" : "Hide my prompts"}</button>
    </form>
  );
}
