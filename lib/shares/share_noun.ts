/** What shares state of themselves (`store/noun.ts`). */
import { idInKey, idInValue, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import type { Share } from "./share.ts";

export type ShareFacts = Pick<Share, "id" | "userId" | "sequence" | "hash">;

/** How often it was looked at follows from nothing: what is there is believed. */
export const shareNoun: Noun<Share, ShareFacts> = {
  kind: kinds.shares,
  facts: ({ value: { id, userId, sequence, hash } }) => ({ id, userId, sequence, hash }),
  implied: ({ id, userId, sequence, hash }) => [
    listed(lists.shares(userId), { number: sequence, id: hash }),
    { key: keys.shareOf(userId, id), value: hash },
    {
      key: keys.shareViews(hash),
      value: new Deno.KvU64(0n),
      isRight: (stored) => stored instanceof Deno.KvU64,
    },
    { key: keys.shareViewed(hash), value: null, isRight: isDay },
  ],
  indexes: [
    { prefix: kinds.shareLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.sharesOf, name: "share_index", recordId: idInValue },
    { prefix: kinds.shareViews, name: "share_views", recordId: idInKey },
    { prefix: kinds.shareViewed, name: "share_viewed", recordId: idInKey },
  ],
};

function isDay(stored: unknown): boolean {
  return stored === null || (typeof stored === "string" && /^\d{4}-\d\d-\d\d$/.test(stored));
}
