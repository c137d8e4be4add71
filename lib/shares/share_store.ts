/** Shares' records: how they are made, changed and ended, and how their owners read them. */
import type { z } from "zod";
import { findBatch } from "../batches/batch_store.ts";
import { batchPictures } from "../batches/batch_pictures.ts";
import { findBoard } from "../boards/access.ts";
import { isId } from "../ids.ts";
import { readImages } from "../images/image_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import {
  addEntry,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import {
  isOver,
  mostLiveShares,
  mostPictures,
  type newShareInput,
  type Share,
  type shareChanges,
  usualLifeMs,
} from "./share.ts";
import { hashPassword } from "./share_password.ts";
import type { Seal } from "../seal.ts";
import { createShareToken, hashOfToken } from "./share_token.ts";

export interface ShareDeps {
  store: Store;
  tokens: Seal;
}

/** Past so many, the ones that ended longest ago go when another one is made. */
const mostKept = 500;

/**
 * Refuses with `not_found` where something is not the user's own, with `invalid_request` where it is nothing or not one
 * thing, and with `too_large` where the user has as many as anybody may have.
 */
export async function createShare(
  { store, tokens }: ShareDeps,
  { userId, ...input }: { userId: string } & z.output<typeof newShareInput>,
): Promise<Share> {
  const of = await readShared(store, { userId, ...input });
  demandFuture(input.expires, store.now());
  const token = createShareToken();
  const drawn = {
    id: store.ids(),
    userId,
    hash: hashOfToken(token),
    sealed: await tokens.seal(token),
    of,
    password: input.password ? await hashPassword(input.password) : null,
    passwordVersion: 1,
    expiresAt: input.expires === undefined ? store.now() + usualLifeMs : input.expires,
    showPrompt: input.showPrompt ?? false,
    allowDownload: input.allowDownload ?? true,
    allowOriginal: input.allowOriginal ?? false,
    allowRemix: input.allowRemix ?? false,
    note: input.note ?? "",
    createdAt: store.now(),
    endedAt: null,
  };
  return await store.locks.hold(`shares ${userId}`, async () => {
    while (true) {
      const others = await readAll(store, userId);
      const live = others.filter(({ value }) => !isOver(value, store.now()));
      if (live.length >= mostLiveShares) {
        throw new Refusal(
          "too_large",
          `You have ${live.length} links that work, and ${mostLiveShares} is the most`,
        );
      }
      const share: Share = { ...drawn, sequence: (others.at(0)?.value.sequence ?? 0) + 1 };
      const atomic = checkAccount(store.kv.atomic(), userId);
      addShare(atomic, share);
      const kept = others.filter(({ value }) => isOver(value, store.now()));
      for (const oldest of kept.slice(Math.max(0, mostKept - 1 - live.length))) removeShare(atomic, oldest);
      if (await commit(atomic) !== null) return share;
      if (await readUser(store, userId) === null) throw accountGone();
    }
  });
}

function addShare(atomic: Deno.AtomicOperation, share: Share): void {
  const { userId, sequence, hash, id } = share;
  const list = lists.shares(userId);
  atomic.check({ key: entryKey(list, sequence), versionstamp: null })
    .set(keys.share(hash), share)
    .set(keys.shareOf(userId, id), hash)
    .set(keys.shareViews(hash), new Deno.KvU64(0n))
    .set(keys.shareViewed(hash), null);
  addEntry(atomic, list, { number: sequence, id: hash });
}

function removeShare(atomic: Deno.AtomicOperation, { value, versionstamp }: Versioned<Share>): void {
  const { userId, sequence, hash, id } = value;
  atomic.check({ key: keys.share(hash), versionstamp })
    .delete(keys.share(hash))
    .delete(keys.shareOf(userId, id))
    .delete(keys.shareViews(hash))
    .delete(keys.shareViewed(hash));
  removeEntry(atomic, lists.shares(userId), sequence);
}

async function readShared(
  store: Store,
  { userId, imageIds, boardId, batchId }: { userId: string } & z.output<typeof newShareInput>,
): Promise<Share["of"]> {
  const named = [imageIds, boardId, batchId].filter((each) => each !== undefined);
  if (named.length !== 1) {
    throw new Refusal("invalid_request", "Name one of imageIds, boardId and batchId");
  }
  if (imageIds !== undefined) return { imageIds: await demandOwn(store, { userId, imageIds }) };
  if (boardId !== undefined) {
    return { boardId: (await findBoard(store, { userId, boardId, right: "own" })).value.id };
  }
  return { imageIds: await chosenOfBatch(store, { userId, batchId: batchId! }) };
}

async function demandOwn(
  store: Store,
  { userId, imageIds }: { userId: string; imageIds: readonly string[] },
): Promise<string[]> {
  const ids = [...new Set(imageIds)];
  if (!ids.every(isId)) throw notFound();
  const found = await readImages(store, ids);
  if (found.filter(({ value }) => value.userId === userId).length < ids.length) throw notFound();
  return ids;
}

/** Those with a star; where there are none, all that were not rejected. */
async function chosenOfBatch(
  store: Store,
  named: { userId: string; batchId: string },
): Promise<string[]> {
  const { value: batch } = await findBatch(store, named);
  const found = await Array.fromAsync(batchPictures(store, { batch, only: "all" }), ({ image }) => image);
  const starred = found.filter(({ rating }) => rating > 0);
  const chosen = starred.length > 0 ? starred : found.filter(({ rating }) => rating >= 0);
  if (chosen.length === 0) throw new Refusal("conflict", "There is no picture in this batch to share");
  if (chosen.length > mostPictures) {
    throw new Refusal("too_large", `There are ${chosen.length} pictures, and ${mostPictures} is the most`);
  }
  return chosen.map(({ id }) => id);
}

function demandFuture(expires: number | null | undefined, now: number): void {
  if (expires === undefined || expires === null || expires > now) return;
  throw new Refusal("invalid_request", "expires must be in the future");
}

interface NamedShare {
  userId: string;
  shareId: string;
}

/** The user's own share; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findShare(store: Store, { userId, shareId }: NamedShare): Promise<Versioned<Share>> {
  const hash = isId(shareId) ? await read<string>(store.kv, keys.shareOf(userId, shareId)) : null;
  const found = hash && await read<Share>(store.kv, keys.share(hash.value));
  if (found?.value.userId !== userId) throw notFound();
  return found;
}

/** Refuses with `conflict` where it is over: what was closed stays closed. */
export async function changeShare(
  store: Store,
  named: NamedShare,
  { password, expires, ...changes }: z.output<typeof shareChanges>,
): Promise<Share> {
  const hashed = password ? await hashPassword(password) : null;
  while (true) {
    const { value: share, versionstamp } = await findShare(store, named);
    if (isOver(share, store.now())) throw new Refusal("conflict", "This link has ended: make another one");
    demandFuture(expires, store.now());
    const isKept = password === undefined;
    const changed: Share = {
      ...share,
      ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
      expiresAt: expires === undefined ? share.expiresAt : expires,
      password: isKept ? share.password : hashed,
      passwordVersion: share.passwordVersion + (isKept ? 0 : 1),
    };
    if (await write(store, { share: changed, versionstamp })) return changed;
  }
}

/** Ends it at once and for good; one that is over stays as it is. */
export async function endShare(store: Store, named: NamedShare): Promise<Share> {
  while (true) {
    const { value: share, versionstamp } = await findShare(store, named);
    if (share.endedAt !== null) return share;
    const endedAt = isOver(share, store.now()) ? share.expiresAt : store.now();
    const ended: Share = { ...share, endedAt };
    if (await write(store, { share: ended, versionstamp })) return ended;
  }
}

async function write(
  store: Store,
  { share, versionstamp }: { share: Share; versionstamp: string },
): Promise<boolean> {
  const key = keys.share(share.hash);
  return await commit(store.kv.atomic().check({ key, versionstamp }).set(key, share)) !== null;
}

/** The user's shares, newest first, those that are over among them. */
export async function listShares(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Share>> {
  const { entries, total, next } = await readPage(store.kv, lists.shares(userId), start);
  const found = await readMany<Share>(store.kv, entries.map(({ id }) => keys.share(id)));
  return { items: present(found).map(({ value }) => value), total, next };
}

async function readAll(store: Store, userId: string): Promise<Versioned<Share>[]> {
  const prefix = [...lists.shares(userId)];
  const hashes = await Array.fromAsync(
    store.kv.list<string>({ prefix }, { reverse: true, batchSize: mostKept }),
    ({ value }) => value,
  );
  return present(await readMany<Share>(store.kv, hashes.map(keys.share)));
}

/** So long after its end its owner still sees what it was. */
const rememberedMs = 30 * 24 * 3600 * 1000;

/** What ended long ago goes. */
export async function sweepShares(store: Store): Promise<void> {
  for await (const { value, versionstamp } of store.kv.list<Share>({ prefix: [...kinds.shares] })) {
    const endedAt = Math.min(value.endedAt ?? Infinity, value.expiresAt ?? Infinity);
    if (endedAt + rememberedMs > store.now()) continue;
    const atomic = store.kv.atomic();
    removeShare(atomic, { value, versionstamp });
    await commit(atomic);
  }
}
