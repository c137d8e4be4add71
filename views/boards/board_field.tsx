/** On which board pictures are to be put when they arrive, in the forms that ask for pictures. */
import type { Board } from "../../lib/boards/board.ts";

export interface BoardFieldProps {
  userId: string;
  /** All onto which the user may put pictures, by name. */
  boards: readonly Board[];
  chosenId: string;
  /** Boards that are named elsewhere in what is asked for. */
  namedIds?: readonly string[];
}

/** Who pays is said while a board of somebody else's is chosen; that is up to the style sheet, so it takes no script. */
export function BoardField({ userId, boards, chosenId, namedIds = [] }: BoardFieldProps) {
  const own = boards.filter(({ ownerId }) => ownerId === userId);
  const shared = boards.filter(({ ownerId }) => ownerId !== userId);
  const isNamed = shared.some(({ id }) => namedIds.includes(id));
  if (boards.length === 0) return null;
  return (
    <div class={isNamed ? "field board-field shared" : "field board-field"}>
      <label for="boardId">Add to board</label>
      <select id="boardId" name="boardId">
        <option value="">none</option>
        {own.map((board) => <BoardOption board={board} chosenId={chosenId} />)}
        {shared.length > 0 && (
          <optgroup label="Shared with you">
            {shared.map((board) => <BoardOption board={board} chosenId={chosenId} />)}
          </optgroup>
        )}
      </select>
      {shared.length > 0 && (
        <p class="muted who-pays">Your budget pays, and the board's owner and members see the pictures.</p>
      )}
    </div>
  );
}

function BoardOption({ board: { id, name }, chosenId }: { board: Board; chosenId: string }) {
  return <option value={id} selected={id === chosenId}>{name}</option>;
}
