/**
 * Retention, for servers that are to keep pictures for so many days only. It walks over what is old, one small commit at
 * a time, and can be broken off anywhere: a picture is announced first, and goes fourteen days later at the earliest,
 * unless somebody has shown by then that it is wanted. Pictures stay that have a star, are on a board, in a link that
 * works or in the public gallery, or are needed by a prompt that is not final; and all of a person's as long as a batch
 * of theirs goes on, whose rows may still name them.
 */
import { listBatchesWithWork } from "../batches/batch_store.ts";
import { beforeIdsFrom } from "../ids.ts";
import { deleteImage, isNeeded, undoDeletion } from "../images/delete_image.ts";
import type { Image } from "../images/image.ts";
import { readImage } from "../images/image_store.ts";
import { announcedMs, type Leaving, type LeavingSum, sumLeavingOfAll } from "../images/leaving.ts";
import { orNull } from "../refusal.ts";
import { isOver, type Share } from "../shares/share.ts";
import { entryKey, readPage } from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { addNotice } from "../users/notice.ts";
import { readUser } from "../users/user.ts";

const dayMs = 24 * 3600 * 1000;

export interface RetentionReport {
  announced: number;
  gone: number;
  /** Announced before, and wanted by now. */
  kept: number;
}

export interface RetentionDeps {
  store: Store;
  /** How long pictures are kept; null: for good. */
  retainDays: number | null;
  /** False: what is left is done another time. */
  goesOn: () => boolean;
}

/** One walk over all that is old. */
export async function retainPictures(deps: RetentionDeps): Promise<RetentionReport> {
  const report: RetentionReport = { announced: 0, gone: 0, kept: 0 };
  await reviewAnnounced(deps, report);
  if (deps.retainDays === null) return report;
  await announceOld(deps, report);
  await tellPeople(deps);
  return report;
}

/** What was announced goes, stays after all, or waits. */
async function reviewAnnounced(deps: RetentionDeps, report: RetentionReport): Promise<void> {
  const { store, retainDays, goesOn } = deps;
  const entries = store.kv.list<Leaving>({ prefix: [...kinds.leaving] }, { batchSize: 100 });
  for await (const entry of entries) {
    if (!goesOn()) return;
    const image = (await readImage(store, String(entry.key[2])))?.value ?? null;
    const isDue = entry.value.goesAt <= store.now();
    if (image !== null && !isOld(image, { store, retainDays })) report.kept += await drop(store, entry);
    else if (image === null || await isWanted(store, image)) report.kept += await drop(store, entry);
    else if (isDue && await letGo(store, { image, entry })) report.gone++;
  }
}

async function announceOld(deps: RetentionDeps, report: RetentionReport): Promise<void> {
  const { store, retainDays, goesOn } = deps;
  const end = keys.image(beforeIdsFrom(store.now() - retainDays! * dayMs + announcedMs + 1));
  const old = store.kv.list<Image>({ prefix: [...kinds.images], end }, { batchSize: 100 });
  for await (const { key, value: image, versionstamp } of old) {
    if (!goesOn()) return;
    if (!isOld(image, { store, retainDays }) || await isWanted(store, image)) continue;
    const leavingKey = keys.leaving(image.userId, image.id);
    const leaving: Leaving = {
      goesAt: Math.max(image.createdAt + retainDays! * dayMs, store.now() + announcedMs),
      byteLength: image.byteLength,
    };
    const atomic = store.kv.atomic().check({ key, versionstamp }, { key: leavingKey, versionstamp: null })
      .set(leavingKey, leaving);
    if (await commit(atomic) !== null) report.announced++;
  }
}

/** It is time to announce it. */
function isOld(
  { createdAt }: Image,
  { store, retainDays }: { store: Store; retainDays: number | null },
): boolean {
  return retainDays !== null && createdAt + retainDays * dayMs - announcedMs <= store.now();
}

async function drop(store: Store, { key, versionstamp }: Deno.KvEntry<Leaving>): Promise<number> {
  return await commit(store.kv.atomic().check({ key, versionstamp }).delete(key)) === null ? 0 : 1;
}

/**
 * Deletes it as its owner would, so that it can be undone for a while; the commit checks that nobody has done anything
 * with it since it was looked at. False: it stays.
 */
async function letGo(
  store: Store,
  { image: { id, userId }, entry }: { image: Image; entry: Deno.KvEntry<Leaving> },
): Promise<boolean> {
  const isGone = await orNull(deleteImage(store, { id }, async (atomic, image) => {
    const { entries: [newest] } = await readPage(store.kv, lists.shares(userId), { limit: 1 });
    const nextShare = entryKey(lists.shares(userId), (newest?.number ?? 0) + 1);
    if (await isWanted(store, image)) return false;
    atomic.check(
      { key: nextShare, versionstamp: null },
      { key: keys.published(id), versionstamp: null },
      { key: entry.key, versionstamp: entry.versionstamp },
    ).delete(entry.key);
    return (await read(store.kv, entry.key))?.versionstamp === entry.versionstamp;
  }));
  if (!isGone) return false;
  if (!await isNeeded(store, id)) return true;
  // Somebody began to change it in that moment.
  await orNull(undoDeletion(store, { userId, imageId: id }));
  return false;
}

async function isWanted(store: Store, image: Image): Promise<boolean> {
  if (image.rating >= 1 || image.boards.length > 0) return true;
  if (await read(store.kv, keys.published(image.id)) !== null) return true;
  if (await isNeeded(store, image.id) || await isShared(store, image)) return true;
  return (await listBatchesWithWork(store, { userId: image.userId })).length > 0;
}

async function isShared(store: Store, { id, userId }: Image): Promise<boolean> {
  const entries = store.kv.list<string>({ prefix: [...lists.shares(userId)] }, { batchSize: 500 });
  const hashes = await Array.fromAsync(entries, ({ value }) => value);
  const shares: Versioned<Share>[] = present(await readMany<Share>(store.kv, hashes.map(keys.share)));
  return shares.some(({ value }) =>
    !isOver(value, store.now()) && "imageIds" in value.of && value.of.imageIds.includes(id)
  );
}

const toldAgainMs = 7 * dayMs;

/** By the bell, as long as something of theirs goes: once a week. */
async function tellPeople({ store, goesOn }: RetentionDeps): Promise<void> {
  for (const { userId, sum } of await sumLeavingOfAll(store)) {
    if (!goesOn()) return;
    const key = keys.leavingTold(userId);
    await store.locks.hold(`notices ${userId}`, async () => {
      const told = await read<number>(store.kv, key);
      if (told !== null && told.value > store.now() - toldAgainMs) return;
      if (await readUser(store, userId) === null) return;
      const atomic = store.kv.atomic().check({ key, versionstamp: told?.versionstamp ?? null })
        .set(key, store.now());
      const words = leavingWords(sum);
      await addNotice(atomic, { store, userId, kind: "storage", href: "/leaving", words, byId: null });
      // Somebody else told them, or something else: there is another walk.
      await commit(atomic);
    });
  }
}

function leavingWords({ pictures, firstAt }: LeavingSum): string {
  const day = new Date(firstAt).toISOString().slice(0, 10);
  const what = pictures === 1 ? "1 picture of yours goes" : `${pictures} pictures of yours go`;
  return `${what}, the first on ${day}: star those that you want to keep`;
}
