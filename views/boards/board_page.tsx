/** One board: its pictures, the latest first, and what can be said of it. */
import type { Board } from "../../lib/boards/board.ts";
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { DeletedNotice } from "../images/deleted_notice.tsx";
import { PictureTiles } from "../images/gallery_page.tsx";
import { addressOf, boardQuery } from "../images/image_query.ts";
import { SelectionBar } from "../images/selection_bar.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";

export interface BoardPageProps {
  user: User;
  cursor: string;
  view: BoardView;
  images: readonly PictureView[];
  /** The cursor of the next part; null after the last. */
  next: string | null;
  knownTags: readonly string[];
  /** All of the user's. */
  boards: readonly Board[];
  /** What was just deleted, as far as that can still be undone. */
  deleted: readonly Image[];
  /** Why it was not changed. */
  problem?: string;
}

export function BoardPage(
  { user, cursor, view, images, next, knownTags, boards, deleted, problem }: BoardPageProps,
) {
  const { board } = view;
  const path = `/boards/${board.id}`;
  return (
    <Layout title={board.name} user={user} current="/boards" live={{ page: "gallery", cursor }}>
      {deleted.length > 0 && <DeletedNotice images={deleted} />}
      <div class="heading">
        <h1 dir="auto">{board.name}</h1>
        <p class="muted">{plural(view.images, "picture")}</p>
        <a class="button quiet" rel="up" href="/boards">All boards</a>
      </div>
      {board.description !== "" && <p class="board-text" dir="auto">{board.description}</p>}
      <div class="actions board-actions">
        <a class="button" href={`/generator?boardId=${board.id}`}>Make pictures for it</a>
        {view.images > 1 && (
          <a class="button" href={addressOf("/gallery/pick", boardQuery(board.id))}>Pick the best</a>
        )}
        <a class="button" href={`/shares/new?boardId=${board.id}`}>Share</a>
        <ChangeBoard view={view} images={images} problem={problem} />
        <DeleteBoard board={board} />
      </div>
      <form class="selection" method="post" action="/gallery/selection">
        <ul id="gallery" class="tiles gallery" data-fixed="">
          <BoardTiles board={board} images={images} next={next} parts={1} />
        </ul>
        <SelectionBar {...{ knownTags, boards, board }} returnTo={path} />
      </form>
      {view.images === 0 && (
        <div class="empty">
          <p>
            Nothing is on this board yet. Select pictures in the gallery and add them, or make new ones for
            it.
          </p>
          <a class="button primary" href="/gallery">Choose pictures</a>
        </div>
      )}
    </Layout>
  );
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
        <p>The board goes for good. Its pictures stay, in the gallery and on other boards.</p>
        <button class="danger" type="submit">Delete this board</button>
      </form>
    </details>
  );
}
