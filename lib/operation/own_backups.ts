/**
 * Backups that are taken by themselves, once a day. Each is read back and checked as `verify` does before it counts, and
 * before an older one goes; so whatever interrupts one leaves the earlier ones as good as they were.
 */
import { join } from "node:path";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";
import type { Log } from "../log.ts";
import { Refusal } from "../refusal.ts";
import { sealDatabaseFile } from "../store/database_file.ts";
import type { Held, Job } from "../store/duty.ts";
import { keys } from "../store/schema.ts";
import { commit, openDatabaseAsItIs, read, type Store } from "../store/store.ts";
import { backUp } from "./backup.ts";
import { type BackupPlace, type Draft, nameOfBackup } from "./backup_place.ts";
import type { DataDirectory } from "./data_directory.ts";
import { verify, type VerifyReport } from "./verify.ts";

/** As it is set. */
export interface BackupPlan {
  place: BackupPlace;
  /** Minutes after midnight (UTC). */
  atMinute: number;
  /** How many good ones are kept. */
  keep: number;
  data: DataDirectory;
  /** The file of the store that several nodes use; undefined: it is this node's own. */
  database?: string;
}

export interface GoodBackup {
  name: string;
  takenAt: number;
  tookMs: number;
  /** All that it holds, and what of it was not in an earlier one. */
  bytes: number;
  copiedBytes: number;
  images: number;
}

/** How backups have gone. */
export interface BackupState {
  lastGood: GoodBackup | null;
  /** The latest attempt; not ended: it is under way, or was broken off. */
  attempt: { startedAt: number; hasEnded: boolean };
  /** Why the latest attempt failed; null: it did not. */
  failure: { at: number; reason: string } | null;
}

/** Null: none was ever begun. */
export async function readBackupState({ kv }: Pick<Store, "kv">): Promise<BackupState | null> {
  return (await read<BackupState>(kv, keys.backups()))?.value ?? null;
}

/** The one that could be restored; null: there is none. For whatever watches the server. */
export async function lastGoodBackup(store: Pick<Store, "kv">): Promise<GoodBackup | null> {
  return (await readBackupState(store))?.lastGood ?? null;
}

const oldMs = 48 * 3600 * 1000;

/** The last good one is so old that something must be wrong, also where nothing was said to be. */
export function isBackupOld(state: BackupState | null, now: number): boolean {
  return state !== null && state.lastGood !== null && now - state.lastGood.takenAt > oldMs;
}

export interface OwnBackupDeps extends BackupPlan {
  store: Store;
  blobs: HoldableBlobs;
  log: Log;
  /** False: it is broken off. */
  goesOn: () => boolean;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const againAfterFailureMs = 60 * minuteMs;
const againAfterInterruptionMs = 10 * minuteMs;

/** One node's turn at it. */
export function createOwnBackups(
  { held, ...deps }: Omit<OwnBackupDeps, "goesOn"> & { held: Held },
): Job {
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> = Promise.resolve();
  const goesOn = () => !isStopped && held.isSure();
  const look = () => {
    running = backUpIfDue({ ...deps, goesOn })
      .catch((error) => deps.log("error", "backup_trouble", { error }))
      .then(() => {
        if (!isStopped) timer = setTimeout(look, minuteMs);
      });
  };
  return {
    start() {
      timer = setTimeout(look, minuteMs);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

export async function backUpIfDue(deps: OwnBackupDeps): Promise<void> {
  const state = await readBackupState(deps.store);
  if (isDue(state, { now: deps.store.now(), atMinute: deps.atMinute })) await takeBackup(deps, state);
}

export function isDue(
  state: BackupState | null,
  { now, atMinute }: { now: number; atMinute: number },
): boolean {
  if (state === null) return true;
  const { attempt: { startedAt, hasEnded }, failure } = state;
  if (!hasEnded) return now >= startedAt + againAfterInterruptionMs;
  if (failure !== null) return now >= startedAt + againAfterFailureMs;
  return startedAt < latestTime(atMinute, now);
}

/** The last time that this minute of a day (UTC) has come. */
function latestTime(atMinute: number, now: number): number {
  const today = Math.floor(now / dayMs) * dayMs + atMinute * minuteMs;
  return today <= now ? today : today - dayMs;
}

/** Takes one now. Why it failed is kept, and not thrown. */
export async function takeBackup(deps: OwnBackupDeps, before: BackupState | null): Promise<BackupState> {
  const { store, log } = deps;
  const startedAt = store.now();
  const lastGood = before?.lastGood ?? null;
  await writeState(store, {
    lastGood,
    attempt: { startedAt, hasEnded: false },
    failure: before?.failure ?? null,
  });
  const attempt = { startedAt, hasEnded: true };
  try {
    const good = await takeGoodBackup(deps, startedAt);
    log("info", "backup_taken", { ...good });
    return await writeState(store, { lastGood: good, attempt, failure: null });
  } catch (error) {
    // Whoever has the duty next goes on.
    if (error instanceof BrokenOff) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log("error", "backup_failed", { reason });
    return await writeState(store, { lastGood, attempt, failure: { at: store.now(), reason } });
  }
}

async function writeState({ kv }: Store, state: BackupState): Promise<BackupState> {
  await commit(kv.atomic().set(keys.backups(), state));
  return state;
}

class BrokenOff extends Refusal {
  constructor() {
    super("unavailable", "The backup was broken off");
  }
}

async function takeGoodBackup(deps: OwnBackupDeps, startedAt: number): Promise<GoodBackup> {
  const { place, store, keep } = deps;
  const name = nameOfBackup(startedAt);
  const draft = await place.begin(name);
  try {
    const { size, images } = await fill(deps, draft);
    demandGoingOn(deps);
    const { violations } = await checkDraft(deps, draft);
    demandGoingOn(deps);
    await draft.complete({ isGood: violations.length === 0 });
    await removeOld(place, keep);
    if (violations.length > 0) throw new Error(violationWords(name, violations));
    return { name, takenAt: startedAt, tookMs: store.now() - startedAt, images, ...size };
  } finally {
    await draft.discard();
  }
}

function demandGoingOn({ goesOn }: OwnBackupDeps): void {
  if (!goesOn()) throw new BrokenOff();
}

async function fill(deps: OwnBackupDeps, draft: Draft) {
  const { store, blobs, data, database } = deps;
  const size = { bytes: 0, copiedBytes: 0 };
  const target = {
    ...draft.blobs,
    async put(key: string, bytes: Uint8Array, contentType: string) {
      await draft.blobs.put(key, bytes, contentType);
      size.copiedBytes += bytes.length;
      size.bytes += bytes.length;
    },
  };
  const { images } = await backUp({ data, blobs, now: store.now }, {
    directory: draft.directory,
    target,
    database,
    async takeOver(key) {
      demandGoingOn(deps);
      const taken = await draft.takeOver(key);
      size.bytes += taken ?? 0;
      return taken !== null;
    },
  });
  const records = (await Deno.stat(join(draft.directory, "darkroom.sqlite3"))).size;
  size.bytes += records;
  size.copiedBytes += records;
  return { images, size };
}

/** Of its records as they lie there. */
async function checkDraft({ data, store }: OwnBackupDeps, draft: Draft): Promise<VerifyReport> {
  const folder = await Deno.makeTempDir({ dir: data.temporary });
  try {
    const path = join(folder, "read_back.sqlite3");
    await draft.readBack(path);
    const kv = await openDatabaseAsItIs(path);
    try {
      return await verify({ kv, now: store.now }, { blobs: draft.blobs });
    } finally {
      kv.close();
      sealDatabaseFile(path);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The good ones that are to be kept stay, and the latest, whatever it is. */
async function removeOld(place: BackupPlace, keep: number): Promise<void> {
  const all = await place.list();
  const kept = new Set(all.filter(({ isGood }) => isGood).slice(-keep).map(({ name }) => name));
  await place.remove(all.slice(0, -1).map(({ name }) => name).filter((name) => !kept.has(name)));
}

function violationWords(name: string, violations: VerifyReport["violations"]): string {
  const [{ rule, subject, detail }] = violations;
  const more = violations.length > 1 ? `, and ${violations.length - 1} more` : "";
  return `What is in ${name} does not agree (${rule} ${subject}: ${detail}${more}): see \`deno task verify\``;
}
