/** What a person was told, and the list of it. */
import { z } from "zod";
import type { Notice } from "../../lib/users/notice.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, maybeIso, timeValue } from "./values.ts";

export const noticeShape = z.strictObject({
  id: idValue,
  kind: z.enum(["mention", "comment", "board", "publication", "moderation", "webhook", "storage"]),
  text: z.string(),
  href: z.string().describe("A path of this server."),
  at: timeValue,
  seenAt: timeValue.nullable().describe("Null: it is new."),
}).meta({ id: "Notice", description: "What a person was told." });

export function noticeFields(
  { id, kind, words, href, at, seenAt }: Notice,
): z.output<typeof noticeShape> {
  return { id, kind, text: words, href, at: iso(at), seenAt: maybeIso(seenAt) };
}

export const noticeListAnswer = answer({
  notices: z.array(noticeShape),
  new: z.int().nonnegative().describe("How many of all are new."),
  pagination: paginationShape,
});

export function noticeListJson(
  notices: readonly Notice[],
  { newCount, pagination }: { newCount: number; pagination: Pagination },
): z.output<typeof noticeListAnswer> {
  return { success: true, notices: notices.map(noticeFields), new: newCount, pagination };
}
