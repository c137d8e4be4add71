/** Pages of lists: `limit` and `offset`, or the `cursor` that the page before gave. */
import { createMiddleware } from "hono/factory";
import { sign } from "../../lib/digest.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Pagination } from "../../views/json/pagination_json.ts";
import type { AppContext, AppDeps, AppEnv } from "./context.ts";
import type { Page, PageStart } from "../../lib/store/counted_list.ts";

/** A cursor leads on in one list of one user, and is signed for it. */
interface ListName {
  userId: string;
  /** Such as "prompts/FAILED". */
  list: string;
  secret: string;
}

export interface ListQuery {
  start: PageStart & { limit: number };
  /** How many entries come before this page. */
  offset: number;
}

export const maxLimit = 100;

/** Refuses with `invalid_request` what is out of range or no cursor of this list. */
export function readListQuery(c: AppContext, name: ListName & { defaultLimit: number }): ListQuery {
  const limit = readWhole(c, "limit", { min: 1, max: maxLimit }) ?? name.defaultLimit;
  const offset = readWhole(c, "offset", { min: 0, max: Number.MAX_SAFE_INTEGER });
  const cursor = c.req.query("cursor");
  if (cursor === undefined) return { start: { limit, offset: offset ?? 0 }, offset: offset ?? 0 };
  if (offset !== undefined) throw new Refusal("invalid_request", "Send either offset or cursor, not both");
  const [before, passed, signature] = cursor.split(".");
  if (signature !== signatureOf(name, `${before}.${passed}`)) {
    throw new Refusal("invalid_request", "cursor must be the one that the page before gave");
  }
  return { start: { limit, before: Number(before) }, offset: Number(passed) };
}

/** What the page says of itself, and, for `Link`, which one comes after it. */
export function paginate(
  c: AppContext,
  { page, name, query: { start, offset } }: { page: Page<unknown>; name: ListName; query: ListQuery },
): Pagination {
  const place = `${page.next}.${offset + page.items.length}`;
  const next = page.next === null ? null : `${place}.${signatureOf(name, place)}`;
  if (next !== null) c.set("nextCursor", next);
  return { limit: start.limit, offset, total: page.total, next };
}

/** Names the next page of a list that programs read (RFC 8288), beside `pagination.next`. */
export function linkToNext({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const { nextCursor } = c.var;
    if (nextCursor === undefined) return;
    const { pathname, searchParams } = new URL(c.req.url);
    searchParams.delete("offset");
    searchParams.set("cursor", nextCursor);
    c.res.headers.append("Link", `<${publicUrl}${pathname}?${searchParams}>; rel="next"`);
  });
}

function signatureOf({ userId, list, secret }: ListName, place: string): string {
  return sign(secret, `cursor ${userId} ${list} ${place}`).slice(0, 16);
}

function readWhole(
  c: AppContext,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  throw new Refusal("invalid_request", `${name} must be a whole number, ${range}`);
}
