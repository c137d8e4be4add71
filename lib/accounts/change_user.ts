/** What admins change about accounts: role, budget, whether somebody may sign in. Each change is in the audit list. */
import { addAudit } from "../users/audit.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";
import { checkOwnerRemains, findUser, isActiveOwner, readUser, type Role, type User } from "../users/user.ts";

/** What is left out stays as it is. */
export interface UserChanges {
  role?: Role;
  isDisabled?: boolean;
  /** Micro-dollars a month; `none`: no limit; `default`: the server's. */
  monthlyBudget?: number | "none" | "default";
  isModerator?: boolean;
  /** False: whatever a moderator said of publishing is taken back. */
  isPublishingStopped?: boolean;
}

/**
 * Changes a user and returns them as they are then; a disabled one's sessions and open streams end. Refuses with
 * `not_found` a user who is not there and an actor who may not sign in any more, with `forbidden` what only owners may
 * do, and with `conflict` what would lock people out.
 */
export async function changeUser(
  store: Store,
  { actor, userId, changes }: { actor: User; userId: string; changes: UserChanges },
): Promise<User> {
  while (true) {
    const { value: before, versionstamp } = await findUser(store, userId);
    const atomic = store.kv.atomic().check({ key: keys.user(userId), versionstamp });
    demandRight(await actingNow(atomic, { store, actor }), { subject: before, changes });
    const after = changed(before, changes);
    atomic.set(keys.user(userId), after);
    const isChanged = addToAudit(atomic, { store, actor, before, after });
    if (!isChanged) return before;
    if (isActiveOwner(before) && !isActiveOwner(after)) {
      await checkOwnerRemains(atomic, { store, leaving: userId });
    }
    if (await commit(atomic) !== null) return after;
  }
}

/** Whoever acts, as they are in this commit: nobody uses a right that was taken away meanwhile. */
async function actingNow(
  atomic: Deno.AtomicOperation,
  { store, actor }: { store: Store; actor: User },
): Promise<User> {
  const found = await readUser(store, actor.id);
  if (found === null || found.value.isDisabled) throw notFound();
  atomic.check({ key: keys.user(actor.id), versionstamp: found.versionstamp });
  return found.value;
}

/** Whether somebody may change another's account at all. */
export function mayChange(actor: User, subject: User): boolean {
  return actor.role === "owner" || (actor.role === "admin" && subject.role !== "owner");
}

function demandRight(actor: User, { subject, changes }: { subject: User; changes: UserChanges }): void {
  if (!mayChange(actor, subject) || (changes.role === "owner" && actor.role !== "owner")) {
    throw new Refusal("forbidden", "Only an owner can change an owner, or make one");
  }
  if (changes.isDisabled && subject.id === actor.id) {
    throw new Refusal("conflict", "You can't disable your own account");
  }
}

function changed(user: User, { role, isDisabled, monthlyBudget, ...flags }: UserChanges): User {
  const { monthlyBudgetMicros, isModerator, isPublishingStopped, ...rest } = user;
  const budget = monthlyBudget === undefined ? monthlyBudgetMicros : budgetMicros(monthlyBudget);
  return {
    ...rest,
    role: role ?? user.role,
    isDisabled: isDisabled ?? user.isDisabled,
    ...(isDisabled && !user.isDisabled && { sessionsEnded: (user.sessionsEnded ?? 0) + 1 }),
    ...(budget !== undefined && { monthlyBudgetMicros: budget }),
    ...((flags.isModerator ?? isModerator) && { isModerator: true as const }),
    ...((flags.isPublishingStopped ?? isPublishingStopped) && { isPublishingStopped: true as const }),
  };
}

function budgetMicros(budget: number | "none" | "default"): number | null | undefined {
  if (budget === "default") return undefined;
  return budget === "none" ? null : budget;
}

/** An entry for each thing that is another than before; false when nothing is. */
function addToAudit(
  atomic: Deno.AtomicOperation,
  { store, actor, before, after }: { store: Store; actor: User; before: User; after: User },
): boolean {
  const entry = { store, actorId: actor.id, subjectId: after.id };
  const isChanged = {
    role: before.role !== after.role,
    access: before.isDisabled !== after.isDisabled,
    budget: before.monthlyBudgetMicros !== after.monthlyBudgetMicros,
    moderator: before.isModerator !== after.isModerator,
    publishing: before.isPublishingStopped !== after.isPublishingStopped,
  };
  if (isChanged.role) addAudit(atomic, { ...entry, action: "role", detail: after.role });
  if (isChanged.access) {
    addAudit(atomic, { ...entry, action: after.isDisabled ? "disabled" : "enabled", detail: null });
  }
  if (isChanged.moderator) {
    const action = after.isModerator ? "moderator_made" : "moderator_unmade";
    addAudit(atomic, { ...entry, action, detail: null });
  }
  if (isChanged.publishing) {
    const action = after.isPublishingStopped ? "publishing_stopped" : "publishing_allowed";
    addAudit(atomic, { ...entry, action, detail: null });
  }
  if (isChanged.budget) addAudit(atomic, { ...entry, action: "budget", detail: budgetText(after) });
  return Object.values(isChanged).includes(true);
}

function budgetText({ monthlyBudgetMicros }: User): string {
  if (monthlyBudgetMicros === undefined) return "default";
  return monthlyBudgetMicros === null ? "none" : String(monthlyBudgetMicros);
}
