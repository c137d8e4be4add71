/** Users with what admins see of them: where their budget stands and when they were here last. */
import { type BudgetState, readBudget } from "../money/budget.ts";
import type { Store } from "../store/store.ts";
import { listUsers, readSeen, type User } from "../users/user.ts";

export interface UserView {
  user: User;
  budget: BudgetState;
  /** Milliseconds since 1970, to the minute; null: never. */
  lastSeenAt: number | null;
}

export interface UserViewDeps {
  store: Store;
  /** Micro-dollars a month for users without a budget of their own; null: no limit. */
  defaultBudgetMicros: number | null;
}

export async function viewUsers(deps: UserViewDeps, users: readonly User[]): Promise<UserView[]> {
  const { store, defaultBudgetMicros: defaultMicros } = deps;
  const [seen, budgets] = await Promise.all([
    readSeen(store, users.map(({ id }) => id)),
    Promise.all(users.map((user) => readBudget(store, { user, defaultMicros }))),
  ]);
  return users.map((user, i) => ({ user, budget: budgets[i], lastSeenAt: seen[i] }));
}

/** A page of all users, in the order in which they came. */
export async function listUserViews(
  deps: UserViewDeps,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: UserView[]; total: number; next: number | null }> {
  const users = await listUsers(deps.store);
  const end = offset + limit;
  const items = await viewUsers(deps, users.slice(offset, end));
  return { items, total: users.length, next: end < users.length ? end : null };
}
