/** What can be done with the pictures that are selected: a bar at the foot of the form that holds them. */
import type { Board } from "../../lib/boards/board.ts";
import type { Image } from "../../lib/images/image.ts";
import { plural } from "../shell/format.ts";
import { BoardChoice, TagInput } from "./marks.tsx";
import { MarkPartial, ratingWords } from "./rating.tsx";

export interface SelectionBarProps {
  knownTags: readonly string[];
  boards: readonly Board[];
  /** Where it leads without a script: the page that it is on. */
  returnTo: string;
  /** The board whose page it is on. */
  board?: Board;
  /** Links are made on this server. */
  isSharing: boolean;
}

/** Enter in one of its fields does what is beside the field, by the button that no one sees. */
export function SelectionBar({ knownTags, boards, returnTo, board, isSharing }: SelectionBarProps) {
  const others = boards.filter(({ id }) => id !== board?.id);
  return (
    <div class="bar">
      <button class="unseen" type="submit" name="action" value="entered" tabindex={-1} aria-hidden="true">
        Do what is filled in
      </button>
      <input type="hidden" name="returnTo" value={returnTo} />
      <Act name="Star">
        {[5, 4, 3, 2, 1, 0, -1].map((rating) => (
          <button type="submit" name="rating" value={rating} {...atOnce}>
            {rating > 0 && <span class="stars" aria-hidden="true">{"★".repeat(rating)}</span>}
            <span class={rating > 0 ? "unseen" : undefined}>{capital(ratingWords(rating))}</span>
          </button>
        ))}
      </Act>
      <Act name="Tag" id="tag-selected">
        <label for="selected-tags" class="unseen">Tags</label>
        <TagInput id="selected-tags" knownTags={knownTags} />
        <button type="submit" name="action" value="tag" {...atOnce}>Tag</button>
      </Act>
      <Act name="Add to board">
        <BoardChoice id="selected-board" boards={others} />
        <button type="submit" name="action" value="board">Add to board</button>
      </Act>
      {board !== undefined && (
        <button type="submit" name="action" value="off" formaction={`/boards/${board.id}/off`}>
          Take off the board
        </button>
      )}
      {isSharing && <button type="submit" name="action" value="share" formaction="/shares/new">Share</button>}
      <button type="submit" name="action" value="download">Download</button>
      <button type="submit" name="action" value="compare">Compare two</button>
      <button type="submit" name="action" value="source">Use as source</button>
      <button type="submit" name="action" value="delete" class="danger">Delete</button>
      <button type="reset" class="quiet">Select none</button>
    </div>
  );
}

/** With a script the selection stays, for what is to be done next. */
const atOnce = { "hx-post": "/gallery/selection", "hx-target": "#notice" };

/** Opens to what it needs to know. */
function Act({ name, id, children }: { name: string; id?: string; children?: unknown }) {
  return (
    <details class="act" id={id} name="act">
      <summary>{name}</summary>
      <div class="panel">{children}</div>
    </details>
  );
}

function capital(words: string): string {
  return words[0].toUpperCase() + words.slice(1);
}

/** What was done with several pictures, and what they show now. */
export function MarkedFragment({ images, words }: { images: readonly Image[]; words: string }) {
  return (
    <>
      {images.map((image) => <MarkPartial image={image} />)}
      <hx-partial hx-target="#announcer" hx-swap="textContent">
        {plural(images.length, "picture")}: {words}
      </hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}
