/**
 * Reports about links. No moderator looks into what people share among themselves; the admins hear that a link of somebody's was
 * reported and why, and its owner does, too, and they settle it. Who reported it stays unknown.
 */
import { tellHooks } from "../hooks/outbox.ts";
import type { Account } from "../money/account.ts";
import type { ReportReason } from "../publications/publication.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import { addNotice, tellPerson, type Told } from "../users/notice.ts";
import { isAdmin, listUsers, readUser } from "../users/user.ts";
import type { Share } from "./share.ts";

export interface ShareReports {
  /** The same of a link within a day is told once. */
  tell(share: Share, report: { reason: ReportReason; text: string }): Promise<void>;
}

const sameForMs = 24 * 3600 * 1000;

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
  return {
    async tell(share, report) {
      const key = keys.shareReported(share.userId, share.id, report.reason);
      if (!await isNew(store, key)) return;
      try {
        await tellAll(store, { share, ...report });
      } catch (error) {
        // Whoever sends it again is not told that it is known.
        await commit(store.kv.atomic().delete(key));
        throw error;
      }
    },
  };
}

/** Noted in the store, so that another node, or this one after a start, knows. */
async function isNew(store: Store, key: Deno.KvKey): Promise<boolean> {
  while (true) {
    const told = await read<number>(store.kv, key);
    const now = store.now();
    if (told !== null && now - told.value < sameForMs) return false;
    const atomic = store.kv.atomic().check({ key, versionstamp: told?.versionstamp ?? null });
    if (await commit(atomic.set(key, now, { expireIn: sameForMs })) !== null) return true;
  }
}

interface Reported {
  share: Share;
  reason: ReportReason;
  text: string;
}

async function tellAll(store: Store, { share, reason, text }: Reported): Promise<void> {
  const users = await listUsers(store);
  const owner = users.find(({ id }) => id === share.userId);
  const why = reasonWords[reason] + (text === "" ? "" : `: ${text}`);
  const notice = { kind: "moderation", byId: null } as const;
  await tellOwner(store, {
    ...notice,
    userId: share.userId,
    href: `/shares/${share.id}`,
    words: `Your link was reported (${why})`,
    reported: { reportId: store.ids(), shareId: share.id, reason },
  });
  for (const admin of users.filter((user) => isAdmin(user) && user.id !== share.userId && !user.isDisabled)) {
    const words = `A link that ${owner?.name ?? "somebody"} shares was reported (${why})`;
    await tellPerson(store, { ...notice, userId: admin.id, href: "/admin", words });
  }
}

/** In one commit with what the owner's webhooks are told of it, by what the account then listens to. */
async function tellOwner(
  store: Store,
  { reported, ...told }: Told & { reported: { reportId: string; shareId: string; reason: ReportReason } },
): Promise<void> {
  const { userId } = told;
  const key = keys.account(userId);
  await store.locks.hold(`notices ${userId}`, async () => {
    while (await readUser(store, userId) !== null) {
      const account = await read<Account>(store.kv, key);
      const atomic = store.kv.atomic().check({ key, versionstamp: account?.versionstamp ?? null });
      await addNotice(atomic, { store, ...told });
      tellHooks(atomic, {
        userId,
        account: account?.value ?? {},
        at: store.now(),
        happened: { type: "share.reported", ...reported },
      });
      if (await commit(atomic) !== null) return;
    }
  });
}
