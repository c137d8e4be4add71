/**
 * Reports about links. No moderator looks into what people share among themselves; the admins hear that a link of somebody's was
 * reported and why, and its owner does, too, and they settle it. Who reported it stays unknown.
 */
import type { ReportReason } from "../publications/publication.ts";
import { createRecent } from "../recent.ts";
import type { Store } from "../store/store.ts";
import { tellPerson } from "../users/notice.ts";
import { isAdmin, listUsers } from "../users/user.ts";
import type { Share } from "./share.ts";

export interface ShareReports {
  /** The same of a link within a day is told once. */
  tell(share: Share, report: { reason: ReportReason; text: string }): Promise<void>;
}

const sameForMs = 24 * 3600 * 1000;
const mostRemembered = 1000;

export const reasonWords: { [reason in ReportReason]: string } = {
  illegal: "it is illegal",
  minors: "sexual, with minors",
  non_consensual: "without consent of who is shown",
  hate: "hate",
  rights: "somebody else's rights",
  spam: "spam",
  other: "something else",
};

export function createShareReports({ store }: { store: Store }): ShareReports {
  const told = createRecent<number>({ most: mostRemembered });
  return {
    async tell(share, { reason, text }) {
      const name = `${share.id} ${reason}`;
      const before = told.get(name);
      if (before !== undefined && store.now() - before < sameForMs) return;
      told.put(name, store.now());
      const users = await listUsers(store);
      const owner = users.find(({ id }) => id === share.userId);
      const why = reasonWords[reason] + (text === "" ? "" : `: ${text}`);
      const notice = { userId: share.userId, kind: "moderation", byId: null } as const;
      await tellPerson(store, {
        ...notice,
        href: `/shares/${share.id}`,
        words: `Your link was reported (${why})`,
      });
      for (
        const admin of users.filter((user) => isAdmin(user) && user.id !== share.userId && !user.isDisabled)
      ) {
        const words = `A link that ${owner?.name ?? "somebody"} shares was reported (${why})`;
        await tellPerson(store, { ...notice, userId: admin.id, href: "/admin", words });
      }
    },
  };
}
