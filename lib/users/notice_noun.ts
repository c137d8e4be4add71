/** What notices state of themselves (`store/noun.ts`). */
import { idInKey, idInValue, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import type { Notice } from "./notice.ts";

export type NoticeFacts = Pick<Notice, "id" | "userId" | "number" | "byId"> & { isNew: boolean };

export const noticeNoun: Noun<Notice, NoticeFacts> = {
  kind: kinds.notices,
  facts: ({ value: { id, userId, number, byId, seenAt } }) => ({
    id,
    userId,
    number,
    byId,
    isNew: seenAt === null,
  }),
  implied: ({ id, userId, number, byId, isNew }) => [
    listed(lists.notices(userId), { number, id }),
    ...isNew ? [listed(lists.newNotices(userId), { number, id })] : [],
    ...byId === null ? [] : [{ key: keys.noticeBy(byId, id), value: null }],
  ],
  indexes: [
    { prefix: kinds.noticeLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.newNoticeLists, name: "new_notice", recordId: idInValue },
    { prefix: kinds.noticesBy, name: "notice_by", recordId: idInKey },
  ],
};
