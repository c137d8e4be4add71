/**
 * Pauses: of everything, of a provider, of a user's queue, of a batch. What waits under one does not start; what runs
 * goes on to its end. Where there is no record, nothing is paused, so whoever starts something checks in the same commit
 * that none of those it depends on has come, and nothing starts after the commit that pauses.
 */
import { keys, kinds } from "../store/schema.ts";
import { readMany, type Store } from "../store/store.ts";

export type PauseScope = "all" | "provider" | "user" | "batch";

export interface Pause {
  scope: PauseScope;
  /** Of the provider, user or batch; `all` for everything. */
  id: string;
  /** For people; none where whoever paused it is the one who is concerned. */
  reason: string | null;
  at: number;
  /** The id of the user who did it. */
  by: string;
}

type PauseName = Pick<Pause, "scope" | "id">;

/** The pause of everything. */
export const ofEverything: PauseName = { scope: "all", id: "all" };

/** What has to do with whether a prompt may start. */
export interface Pausable {
  userId: string;
  batchId: string | null;
  /** Null where its model is not offered. */
  providerId: string | null;
}

/** Adds a pause to a commit; the caller rings the bell in it, too. */
export function writePause(atomic: Deno.AtomicOperation, pause: Pause): Deno.AtomicOperation {
  return touch(atomic, pause).set(keys.pause(pause.scope, pause.id), pause);
}

/** Adds the end of a pause to a commit; the caller rings the bell in it, so that what waited starts at once. */
export function endPause(
  atomic: Deno.AtomicOperation,
  { scope, id, at }: PauseName & Pick<Pause, "at">,
): Deno.AtomicOperation {
  return touch(atomic, { scope, id, at }).delete(keys.pause(scope, id));
}

/** Whoever is concerned is told; those of a batch are told by the batch. */
function touch(
  atomic: Deno.AtomicOperation,
  { scope, id, at }: PauseName & Pick<Pause, "at">,
): Deno.AtomicOperation {
  if (scope === "batch") return atomic;
  return atomic.set(keys.pausesChanged(scope === "user" ? id : everybody), at);
}

const everybody = "all";

/** They change whenever something is paused or resumed that concerns a user, other than a batch. */
export function pausesChangedKeys(userId: string): Deno.KvKey[] {
  return [keys.pausesChanged(userId), keys.pausesChanged(everybody)];
}

/** Whether that happened after a version, such as the cursor that a page was rendered at. */
export async function havePausesChanged(
  { kv }: Pick<Store, "kv">,
  { userId, since }: { userId: string; since: string },
): Promise<boolean> {
  const found = await readMany(kv, pausesChangedKeys(userId));
  return found.some((changed) => changed !== null && changed.versionstamp > since);
}

/** All pauses there are: mostly none. */
export async function readPauses({ kv }: Pick<Store, "kv">): Promise<Pause[]> {
  const entries = kv.list<Pause>({ prefix: [...kinds.pauses] }, { batchSize: 500 });
  return await Array.fromAsync(entries, ({ value }) => value);
}

/** The pause that keeps it from starting, the widest first; null: it may start. */
export function pauseOf(pauses: readonly Pause[], pausable: Pausable): Pause | null {
  if (pauses.length === 0) return null;
  const byName = (name: PauseName) => pauses.find(({ scope, id }) => scope === name.scope && id === name.id);
  return namesOf(pausable).map(byName).find((pause) => pause !== undefined) ?? null;
}

/** In the same commit: none of its pauses has come meanwhile. */
export function checkNotPaused(atomic: Deno.AtomicOperation, pausable: Pausable): Deno.AtomicOperation {
  const all = namesOf(pausable).map(({ scope, id }) => ({ key: keys.pause(scope, id), versionstamp: null }));
  return atomic.check(...all);
}

function namesOf({ userId, batchId, providerId }: Pausable): PauseName[] {
  return [
    ofEverything,
    ...providerId === null ? [] : [{ scope: "provider" as const, id: providerId }],
    { scope: "user", id: userId },
    ...batchId === null ? [] : [{ scope: "batch" as const, id: batchId }],
  ];
}
