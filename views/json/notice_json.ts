/** What a person was told, and the list of it. */
import { z } from "zod";
import type { Notice } from "../../lib/users/notice.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, maybeIso, timeValue } from "./values.ts";

export const noticeShape = z.strictObject({
  id: idValue,
  kind: z.enum(["mention", "comment", "board", "publication", "moderation", "webhook"]),
  text: z.string(),
  /** A path of this server. */
  href: z.string(),
  at: timeValue,
  /** Null: it is new. */
  seenAt: timeValue.nullable(),
});

export function noticeFields(
  { id, kind, words, href, at, seenAt }: Notice,
): z.output<typeof noticeShape> {
  return { id, kind, text: words, href, at: iso(at), seenAt: maybeIso(seenAt) };
}

export const noticeListAnswer = answer({
  notices: z.array(noticeShape),
  /** How many of all are new. */
  new: z.int().nonnegative(),
  pagination: paginationShape,
});

export function noticeListJson(
  notices: readonly Notice[],
  { newCount, pagination }: { newCount: number; pagination: Pagination },
): z.output<typeof noticeListAnswer> {
  return { success: true, notices: notices.map(noticeFields), new: newCount, pagination };
}
