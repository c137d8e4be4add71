/**
 * Submissions a minute and user, where several nodes take them: the bucket is in the account, and changes in the commit
 * that accepts, so all of them together accept no more. What is refused takes nothing from it; each node counts that for
 * itself.
 */
import type { Account } from "../money/account.ts";
import { readAccount } from "../money/ledger.ts";
import { type Allowance, allowanceOf, takeOne } from "../rate_limit.ts";
import type { Store } from "../store/store.ts";

export interface SubmissionLimit {
  /** The account with one less to submit; refuses with `rate_limited`. */
  take(account: Account, at: number): Account;
  /** What the user may still submit. */
  look(userId: string): Promise<Allowance>;
}

/** Null: only this process takes submissions, or there is no limit. */
export function createSubmissionLimit(
  store: Store,
  { perMinute }: { perMinute: number },
): SubmissionLimit | null {
  if (!store.isShared || perMinute === 0) return null;
  return {
    take: (account, at) => ({
      ...account,
      submissions: takeOne({ bucket: account.submissions, perMinute, at }),
    }),
    async look(userId) {
      const { submissions: bucket } = await readAccount(store, userId);
      return allowanceOf({ bucket, perMinute, at: store.now() });
    },
  };
}
