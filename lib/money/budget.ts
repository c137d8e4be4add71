/** The most a user may spend in a calendar month (UTC): what is spent and what is set aside count against it. */
import { type Account, type Month, monthOf } from "./account.ts";
import { deletedAccountMicros } from "./deleted_account_spend.ts";
import { readAccount, readMonth } from "./ledger.ts";
import type { Store } from "../store/store.ts";
import { accountGone, readUser, type User } from "../users/user.ts";

/** Where a user stands in the current month; null means no limit. All amounts in micro-dollars. */
export interface BudgetState {
  month: string;
  limitMicros: number | null;
  spentMicros: number;
  heldMicros: number;
  remainingMicros: number | null;
}

/** The limit that counts for a user: their own, or else the server's. */
function budgetLimit(user: User, defaultMicros: number | null): number | null {
  return user.monthlyBudgetMicros === undefined ? defaultMicros : user.monthlyBudgetMicros;
}

export async function readBudget(
  store: Store,
  { user, defaultMicros }: { user: User; defaultMicros: number | null },
): Promise<BudgetState> {
  const month = monthOf(store.now());
  const [account, spend] = await Promise.all([
    readAccount(store, user.id),
    readMonth(store, { userId: user.id, month }),
  ]);
  return budgetState(user, { month, defaultMicros, account, spend });
}

export type BudgetReader = (userId: string) => Promise<BudgetState>;

/** For whoever has the id of a user only. */
export function createBudgetReader(
  store: Store,
  { defaultBudgetMicros }: { defaultBudgetMicros: number | null },
): BudgetReader {
  return async (userId) => {
    const found = await readUser(store, userId);
    if (found === null) throw accountGone();
    return readBudget(store, { user: found.value, defaultMicros: defaultBudgetMicros });
  };
}

export function budgetState(
  user: User,
  { month, defaultMicros, account, spend }: {
    month: string;
    defaultMicros: number | null;
    account: Account;
    spend: Month;
  },
): BudgetState {
  const limitMicros = budgetLimit(user, defaultMicros);
  const used = spend.spentMicros + account.heldMicros;
  const earlier = deletedAccountMicros(user.deletedAccountSpend, month);
  return {
    month,
    limitMicros,
    spentMicros: spend.spentMicros,
    heldMicros: account.heldMicros,
    remainingMicros: limitMicros === null ? null : Math.max(0, limitMicros - used - earlier),
  };
}
