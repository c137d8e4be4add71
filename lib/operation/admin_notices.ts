/**
 * What admins have to do something about, with what that is. It is told from how things are, so it ends by itself once
 * they are well; only that somebody has put a notice away is kept, for a while, and counts for this very trouble: when it
 * comes anew, it is told anew.
 */
import { sha256 } from "../digest.ts";
import type { SeenProvider } from "../catalog/health.ts";
import type { Models } from "../catalog/models.ts";
import type { Disk } from "../disk.ts";
import type { Hook } from "../hooks/hook.ts";
import { notFound } from "../refusal.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, readMany, type Store } from "../store/store.ts";
import { type BackupPlan, isBackupOld, readBackupState } from "./own_backups.ts";

export interface AdminNotice {
  /** Names the trouble, and when it began, where that is known. */
  id: string;
  words: string;
  /** What to do. */
  advice: string;
  /** Where more is said, on this site. */
  href: string;
}

export interface AdminNoticeDeps {
  store: Store;
  disk: Disk | null;
  backups: BackupPlan | null;
  models: Pick<Models, "available">;
  /** As they are known to be, without asking them. */
  health: { all(): SeenProvider[] };
}

const putAwayMs = 30 * 24 * 3600 * 1000;
const retiresSoonMs = 30 * 24 * 3600 * 1000;

/** Without those that were put away. */
export async function readAdminNotices(deps: AdminNoticeDeps): Promise<AdminNotice[]> {
  const all = await tellAll(deps);
  const putAway = await readMany<number>(deps.store.kv, all.map(({ id }) => keys.noticePutAway(id)));
  return all.filter((_, i) => putAway[i] === null || putAway[i].value + putAwayMs <= deps.store.now());
}

/** For all admins; refuses with `not_found` what is not told now. */
export async function putAwayNotice(deps: AdminNoticeDeps, id: string): Promise<void> {
  const { store } = deps;
  if (!(await tellAll(deps)).some((notice) => notice.id === id)) throw notFound();
  await commit(store.kv.atomic().set(keys.noticePutAway(id), store.now(), { expireIn: putAwayMs }));
}

async function tellAll(deps: AdminNoticeDeps): Promise<AdminNotice[]> {
  const told = await Promise.all([
    tellOfDisk(deps),
    tellOfBackups(deps),
    tellOfProviders(deps),
    tellOfWebhooks(deps),
    tellOfModels(deps),
  ]);
  return told.flat();
}

function noticeOf(about: readonly (string | number | null)[], notice: Omit<AdminNotice, "id">): AdminNotice {
  return { id: sha256(JSON.stringify(about)).slice(0, 32), ...notice };
}

async function tellOfDisk({ disk }: AdminNoticeDeps): Promise<AdminNotice[]> {
  const state = await disk?.read();
  if (state === undefined || state.level === "ok") return [];
  const words = state.level === "full"
    ? "The disk is nearly full: nothing new is accepted."
    : "There is little room left on the disk.";
  const advice =
    "Make room on it, move pictures to R2 (deno task move-blobs r2), or set USER_STORAGE_GB or RETAIN_DAYS.";
  return [noticeOf(["disk", state.level], { words, advice, href: "/admin/storage" })];
}

async function tellOfBackups({ store, backups }: AdminNoticeDeps): Promise<AdminNotice[]> {
  if (backups === null) return [];
  const state = await readBackupState(store);
  const since = state?.lastGood?.name ?? null;
  const href = "/admin/storage";
  if (state?.failure) {
    const words = `The latest backup failed: ${state.failure.reason.slice(0, 200)}`;
    const advice = "See that BACKUP_DIR, or the bucket, can be written and has room. It is tried every hour.";
    return [noticeOf(["backup failed", since], { words, advice, href })];
  }
  if (!isBackupOld(state, store.now())) return [];
  const words = "The last good backup is more than two days old.";
  return [
    noticeOf(["backup old", since], { words, advice: "The log says why: look for backup_trouble.", href }),
  ];
}

function tellOfProviders({ health }: AdminNoticeDeps): AdminNotice[] {
  return health.all().filter(({ status }) => status?.state === "key_refused").map(({ provider }) =>
    noticeOf(["key refused", provider.id], {
      words: `${provider.name} refuses the key.`,
      advice: "Put a key that counts into the settings and start anew. Its prompts fail until then.",
      href: "/admin/providers",
    })
  );
}

/** In numbers: whose they are, and where they lead, is their owners' own. */
async function tellOfWebhooks({ store }: AdminNoticeDeps): Promise<AdminNotice[]> {
  const found = store.kv.list<readonly Hook[]>({ prefix: [...kinds.hooks] }, { batchSize: 500 });
  const hooks = (await Array.fromAsync(found, ({ value }) => value)).flat();
  const failing = hooks.filter(({ state, offReason, failingSince }) =>
    state === "ON" ? failingSince !== null : offReason !== null
  );
  if (failing.length === 0) return [];
  const latest = Math.max(...failing.map(({ failingSince }) => failingSince ?? 0));
  const words = failing.length === 1
    ? "A webhook receives nothing."
    : `${failing.length} webhooks receive nothing.`;
  const advice =
    "If many do, see that this server reaches the internet. Their owners were told, and can switch them on again.";
  return [noticeOf(["webhooks", failing.length, latest], { words, advice, href: "/admin/queue" })];
}

function tellOfModels({ store, models }: AdminNoticeDeps): AdminNotice[] {
  const soon = new Date(store.now() + retiresSoonMs).toISOString().slice(0, 10);
  return models.available().flatMap(({ id, retiresAt }) => {
    if (retiresAt === null || retiresAt > soon) return [];
    return noticeOf(["model", id, retiresAt], {
      words: `The model ${id} ends on ${retiresAt}.`,
      advice: "Tell people which to take instead; where DEFAULT_MODEL names it, name another one.",
      href: "/admin/providers",
    });
  });
}
