/** Pausing and resuming: a person their own queue, admins everything or a provider, with a reason that everybody sees. */
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import { addAudit } from "../users/audit.ts";
import { accountGone, checkAccount, isAdmin, readUser, type User } from "../users/user.ts";
import type { Doorbell } from "./doorbell.ts";
import { endPause, ofEverything, type Pause, writePause } from "./pause.ts";

export interface PauseDeps {
  store: Store;
  doorbell: Doorbell;
}

/** Of the user's own, nothing more starts; what runs goes on to its end. Nothing happens where it is paused already. */
export async function pauseQueue({ store, doorbell }: PauseDeps, userId: string): Promise<void> {
  const key = keys.pause("user", userId);
  const pause: Pause = { scope: "user", id: userId, reason: null, at: store.now(), by: userId };
  while (true) {
    const atomic = checkAccount(store.kv.atomic().check({ key, versionstamp: null }), userId);
    if (await commit(doorbell.ring(writePause(atomic, pause), userId)) !== null) return;
    if (await readUser(store, userId) === null) throw accountGone();
    // Otherwise somebody has resumed it since.
    if (await read(store.kv, key) !== null) return;
  }
}

/** What waits starts at once. Nothing happens where it is not paused. */
export async function resumeQueue({ store, doorbell }: PauseDeps, userId: string): Promise<void> {
  const atomic = endPause(store.kv.atomic(), { scope: "user", id: userId, at: store.now() });
  await commit(doorbell.ring(atomic, userId));
}

export interface ServerPause {
  isPaused: boolean;
  /** The id of the provider; null: everything. */
  providerId: string | null;
  /** For all to read. */
  reason: string | null;
}

/**
 * Pauses or resumes everything, or one provider; a pause that is there already gets the new reason. Each change is in
 * the audit list. Refuses with `not_found` an actor who is no admin any more.
 */
export async function changeServerPause(
  { store, doorbell }: PauseDeps,
  { actor, change: { isPaused, providerId, reason } }: { actor: User; change: ServerPause },
): Promise<void> {
  const name = providerId === null ? ofEverything : { scope: "provider" as const, id: providerId };
  const key = keys.pause(name.scope, name.id);
  const at = store.now();
  while (true) {
    const [before, found] = await Promise.all([read<Pause>(store.kv, key), readUser(store, actor.id)]);
    if (found === null || found.value.isDisabled || !isAdmin(found.value)) throw notFound();
    if (isPaused ? before?.value.reason === reason : before === null) return;
    const atomic = store.kv.atomic()
      .check({ key, versionstamp: before?.versionstamp ?? null })
      .check({ key: keys.user(actor.id), versionstamp: found.versionstamp });
    if (isPaused) writePause(atomic, { ...name, reason, at, by: actor.id });
    else endPause(atomic, { ...name, at });
    addAudit(atomic, {
      store,
      actorId: actor.id,
      subjectId: null,
      action: isPaused ? "queue_paused" : "queue_resumed",
      detail: isPaused ? `${name.id} ${reason ?? ""}`.trim() : name.id,
    });
    if (await commit(doorbell.ring(atomic, name.id)) !== null) return;
  }
}
