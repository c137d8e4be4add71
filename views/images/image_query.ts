/** A search as it stands in an address. */
import type { ImageQuery } from "../../lib/images/image_search.ts";

/** Without what narrows nothing; empty for everything that was made. */
export function queryOf({ kind, text, model, size, from, to, cost }: ImageQuery): string {
  if (kind === "upload") return "kind=upload";
  const filled = Object.entries({ q: text.trim(), model, size, from, to, cost })
    .filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== "");
  return new URLSearchParams(filled).toString();
}

/** An address with these parts of a query. */
export function addressOf(path: string, ...queries: string[]): string {
  const query = queries.filter((each) => each !== "").join("&");
  return query === "" ? path : `${path}?${query}`;
}
