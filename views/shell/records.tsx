/** A table of records, a row each; where there is no room for columns each is a card, its cells named by `data-name`. */
import type { Child } from "hono/jsx";

export function Records({ columns, hasActions = false, children }: {
  columns: string[];
  /** Whether a last column holds what can be done about a record. */
  hasActions?: boolean;
  children?: Child;
}) {
  return (
    <table class="records">
      <thead>
        <tr>
          {columns.map((name) => <th scope="col">{name}</th>)}
          {hasActions && (
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
