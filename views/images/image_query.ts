/** A search as it stands in an address. */
import type { ImageQuery } from "../../lib/images/image_search.ts";

/** Without what narrows nothing; empty for everything that was made. */
export function queryOf(
  { kind, text, model, size, from, to, cost, stars, tags, boardId }: ImageQuery,
): string {
  const fields = {
    kind: kind === "made" ? null : kind,
    q: text.trim(),
    model,
    size,
    from,
    to,
    cost,
    stars: stars === null ? null : starsField(stars),
    board: boardId,
  };
  const filled = Object.entries(fields)
    .filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== "");
  return new URLSearchParams([...filled, ...tags.map((tag) => ["tag", tag])]).toString();
}

/** As it is chosen in a form. */
export function starsField(stars: NonNullable<ImageQuery["stars"]>): string {
  return stars === "rejected" ? "x" : String(stars);
}

/** The search among another kind of pictures. */
export function queryAmong(query: ImageQuery, kind: ImageQuery["kind"]): string {
  return queryOf({ ...query, kind });
}

/** An address with these parts of a query. */
export function addressOf(path: string, ...queries: string[]): string {
  const query = queries.filter((each) => each !== "").join("&");
  return query === "" ? path : `${path}?${query}`;
}

/** All pictures of a board. */
export function boardQuery(boardId: string): string {
  return new URLSearchParams({ kind: "all", board: boardId }).toString();
}
