/** Beside a picture: its tags and the boards that it is on, to be changed. */
import type { Board } from "../../lib/boards/board.ts";
import type { Image } from "../../lib/images/image.ts";

export interface MarksProps {
  image: Image;
  /** Tags that the person has given to any picture. */
  knownTags: readonly string[];
  /** All of the person's. */
  boards: readonly Board[];
}

export function Marks({ image, knownTags, boards }: MarksProps) {
  const here = `/images/${image.id}`;
  return (
    <section class="marks" aria-label="Tags and boards">
      <TagList image={image} />
      <form
        class="one-field"
        method="post"
        action={`${here}/tags`}
        hx-post={`${here}/tags`}
        hx-target="#notice"
      >
        <label for="tags" class="unseen">Add a tag</label>
        <TagInput id="tags" knownTags={knownTags} />
        <button type="submit">Tag</button>
      </form>
      <BoardList image={image} boards={boards} />
      <form
        class="one-field"
        method="post"
        action={`${here}/boards`}
        hx-post={`${here}/boards`}
        hx-target="#notice"
      >
        <BoardChoice id="board" boards={boards} />
        <button type="submit">Add</button>
      </form>
    </section>
  );
}

/** A field for tags, with commas between them; those that are known are offered. */
export function TagInput({ id, knownTags }: { id: string; knownTags: readonly string[] }) {
  return (
    <>
      <input
        id={id}
        name="tags"
        list={`${id}-known`}
        dir="auto"
        autocomplete="off"
        placeholder="fox, night sky"
      />
      <datalist id={`${id}-known`}>
        {knownTags.map((tag) => <option value={tag}></option>)}
      </datalist>
    </>
  );
}

/** One of the boards, or the name of a new one. */
export function BoardChoice({ id, boards }: { id: string; boards: readonly Board[] }) {
  return (
    <>
      {boards.length > 0 && (
        <>
          <label for={id} class="unseen">Board</label>
          <select id={id} name="board">
            <option value="">A new board:</option>
            {boards.map((board) => <option value={board.id}>{board.name}</option>)}
          </select>
        </>
      )}
      <label for={`${id}-name`} class="unseen">Name of a new board</label>
      <input
        id={`${id}-name`}
        name="name"
        dir="auto"
        autocomplete="off"
        placeholder="New board"
        maxlength={80}
      />
    </>
  );
}

export function tagListId(imageId: string): string {
  return `tags-${imageId}`;
}

/** Each leads to all pictures with it, and can be taken away. */
export function TagList({ image: { id, kind, tags } }: { image: Image }) {
  const action = `/images/${id}/tags`;
  const among = kind === "upload" ? "kind=upload&" : "";
  return (
    <form
      id={tagListId(id)}
      class="chips"
      method="post"
      action={action}
      hx-post={action}
      hx-target="#notice"
    >
      {tags.map((tag) => (
        <span class="chip">
          <a href={`/gallery?${among}tag=${encodeURIComponent(tag)}`} dir="auto">{tag}</a>
          <button type="submit" name="remove" value={tag} aria-label={`Take away the tag ${tag}`}>×</button>
        </span>
      ))}
    </form>
  );
}

export function boardListId(imageId: string): string {
  return `boards-${imageId}`;
}

export function BoardList({ image, boards }: { image: Image; boards: readonly Board[] }) {
  const action = `/images/${image.id}/boards`;
  const byId = new Map(boards.map((board) => [board.id, board]));
  return (
    <form
      id={boardListId(image.id)}
      class="chips"
      method="post"
      action={action}
      hx-post={action}
      hx-target="#notice"
    >
      {image.boards.map(({ boardId }) => <OnBoard boardId={boardId} board={byId.get(boardId)} />)}
    </form>
  );
}

/** From a board that the person may not change, or not even see any more, it is taken all the same. */
function OnBoard({ boardId, board }: { boardId: string; board: Board | undefined }) {
  const name = board?.name ?? "of somebody else";
  return (
    <span class="chip">
      {board === undefined
        ? <span class="muted">A board</span>
        : <a href={`/boards/${boardId}`} dir="auto">{name}</a>}
      <button type="submit" name="remove" value={boardId} aria-label={`Take it off the board ${name}`}>
        ×
      </button>
    </span>
  );
}

/** The tags of a picture as they are now. */
export function TagsPartial({ image }: { image: Image }) {
  return (
    <hx-partial hx-target={`#${tagListId(image.id)}`} hx-swap="outerMorph">
      <TagList image={image} />
    </hx-partial>
  );
}

export function TaggedFragment({ image }: { image: Image }) {
  return (
    <>
      <TagsPartial image={image} />
      <hx-partial hx-target="#announcer" hx-swap="textContent">{tagWords(image.tags)}</hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}

function tagWords(tags: readonly string[]): string {
  return tags.length === 0 ? "No tags" : `Tags: ${tags.join(", ")}`;
}

export function OnBoardsFragment({ image, boards }: { image: Image; boards: readonly Board[] }) {
  return (
    <>
      <hx-partial hx-target={`#${boardListId(image.id)}`} hx-swap="outerMorph">
        <BoardList image={image} boards={boards} />
      </hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}
