/**
 * What somebody spent this month with an account that is deleted. Whoever comes back with the same identity has what
 * is left of the budget, not all of it again; so until the month ends the amount is kept, under a hash of the identity.
 */
import { sha256 } from "../digest.ts";
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";
import type { DeletedAccountSpend, Identity, User } from "../users/user.ts";
import { type Account, emptyAccount, emptyMonth, type Month, monthOf } from "./account.ts";

/** Adds to the commit that deletes an account what counts against the budget of whoever comes back. */
export async function leaveSpend(
  atomic: Deno.AtomicOperation,
  { store, user, reservedMicros }: {
    store: Store;
    user: User;
    /** What is set aside for what is never charged; asked for after the account, which changes with it. */
    reservedMicros: () => Promise<number>;
  },
): Promise<void> {
  if (user.identity === undefined) return;
  const at = store.now();
  const month = monthOf(at);
  const accountKey = keys.account(user.id);
  const monthKey = keys.month(user.id, month);
  const [account, spend] = await Promise.all([
    read<Account>(store.kv, accountKey),
    read<Month>(store.kv, monthKey),
  ]);
  // What is still held may be charged after the account is gone.
  const heldMicros = (account?.value ?? emptyAccount).heldMicros - await reservedMicros();
  const { spentMicros } = spend?.value ?? emptyMonth;
  const micros = heldMicros + spentMicros + deletedAccountMicros(user.deletedAccountSpend, month);
  atomic.check({ key: accountKey, versionstamp: account?.versionstamp ?? null })
    .check({ key: monthKey, versionstamp: spend?.versionstamp ?? null });
  if (micros === 0) return;
  const left: DeletedAccountSpend = { month, micros };
  atomic.set(keyOf(user.identity), left, { expireIn: endOfMonth(at) - at });
}

/** Adds to the commit that makes an account that it takes over what an earlier one left; undefined: nothing. */
export async function takeSpend(
  atomic: Deno.AtomicOperation,
  { store, identity }: { store: Store; identity: Identity },
): Promise<DeletedAccountSpend | undefined> {
  const key = keyOf(identity);
  const left = await read<DeletedAccountSpend>(store.kv, key);
  atomic.check({ key, versionstamp: left?.versionstamp ?? null });
  if (left === null) return undefined;
  atomic.delete(key);
  return left.value.month === monthOf(store.now()) ? left.value : undefined;
}

/** Micro-dollars that count against the budget of that month. */
export function deletedAccountMicros(earlier: DeletedAccountSpend | undefined, month: string): number {
  return earlier?.month === month ? earlier.micros : 0;
}

function keyOf({ issuer, subject }: Identity): Deno.KvKey {
  return keys.deletedAccountSpend(sha256(JSON.stringify([issuer, subject])));
}

function endOfMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
