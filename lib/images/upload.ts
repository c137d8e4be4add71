/** Taking in a picture that somebody sends, to be changed or to show what is meant. */
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { sha256OfMany } from "../digest.ts";
import { cutText } from "../graphemes.ts";
import { changeBooks } from "../money/ledger.ts";
import { type UprightPicture, uprightPicture } from "../pixels/upright.ts";
import type { RemixOf } from "../publications/remixes.ts";
import { Refusal } from "../refusal.ts";
import { textTerms } from "../search_text.ts";
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";
import type { StorageRoom } from "../users/storage_room.ts";
import { checkAccount } from "../users/user.ts";
import { isMade, unmarked, type UploadedImage } from "./image.ts";
import { uploadRefusal } from "./upload_refusal.ts";
import { addImage, listUploads, readImage } from "./image_store.ts";

export interface UploadDeps {
  store: Store;
  blobs: Blobs;
  /** The most that a user's uploads may have together, as they were sent, in bytes. */
  uploadLimitBytes: number;
  room: StorageRoom;
}

export const mostUploads = 200;
const titleChars = 60;

export interface Received {
  image: UploadedImage;
  /** The same bytes were sent before. */
  isKnown: boolean;
}

/**
 * Keeps the picture without anything but its pixels. Refuses with `unsupported_media_type` what is no picture of ours,
 * with `too_large` what is too much, with `storage_full` or `unavailable` where there is no room, and with `invalid_request` what can't be decoded.
 */
export function receiveUpload(
  deps: UploadDeps,
  { userId, bytes, name, remixOf }: {
    userId: string;
    bytes: Uint8Array;
    name: string;
    /** Where it is a copy of somebody else's picture. */
    remixOf?: RemixOf;
  },
): Promise<Received> {
  // One picture a user at a time is in memory; the others wait where they come from.
  return deps.store.locks.hold(`picture ${userId}`, async () => {
    const { store } = deps;
    const sentSha256 = await sha256OfMany(bytes);
    const known = await findKnown(store, { userId, sentSha256 });
    if (known !== null) return { image: known, isKnown: true };
    await deps.room.demand(userId);
    await demandFew(deps, { userId, bytes: bytes.length });
    const upright = await uprightOrRefusal(bytes);
    await deps.room.demand(userId, { bytes: upright.bytes.length });
    const image = await newUpload(store, {
      userId,
      upright,
      name,
      sentSha256,
      sentBytes: bytes.length,
      remixOf,
    });
    await deps.blobs.put(blobKeys.picture(image.id), upright.bytes, image.contentType);
    const added = await addUpload(store, image);
    if (added !== null) return { image: added, isKnown: false };
    const winner = await findKnown(store, { userId, sentSha256 });
    if (winner === null) throw new Error(`Upload ${image.id} could not be kept although nobody else sent it`);
    return { image: winner, isKnown: true };
  });
}

async function findKnown(
  store: Store,
  { userId, sentSha256 }: { userId: string; sentSha256: string },
): Promise<UploadedImage | null> {
  const entry = await read<string>(store.kv, keys.upload(userId, sentSha256));
  const image = entry && await readImage(store, entry.value);
  return image === null || isMade(image.value) ? null : image.value;
}

async function demandFew(
  { store, uploadLimitBytes }: UploadDeps,
  { userId, bytes }: { userId: string; bytes: number },
): Promise<void> {
  const { items, total } = await listUploads(store, { userId, limit: mostUploads });
  if (total >= mostUploads) {
    throw new Refusal(
      "too_large",
      `You have ${total} uploads, and ${mostUploads} is the most: delete some first`,
    );
  }
  const used = items.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  if (used + bytes <= uploadLimitBytes) return;
  const megabytes = Math.floor(uploadLimitBytes / 1024 / 1024);
  throw new Refusal("too_large", `Your uploads may have ${megabytes} MB together: delete some first`);
}

async function uprightOrRefusal(bytes: Uint8Array): Promise<UprightPicture> {
  try {
    return await uprightPicture(bytes);
  } catch (error) {
    throw uploadRefusal(error, "file");
  }
}

type NewUpload = Omit<UploadedImage, "sequence">;

function newUpload(
  store: Store,
  { userId, upright: { bytes, facts }, name, sentSha256, sentBytes, remixOf }: {
    userId: string;
    upright: UprightPicture;
    name: string;
    sentSha256: string;
    sentBytes: number;
    remixOf: RemixOf | undefined;
  },
): Promise<NewUpload> {
  const { width, height, contentType, tint } = facts;
  const title = titleOf(name);
  return sha256OfMany(bytes).then((sha256) => ({
    id: store.ids(),
    kind: "upload",
    userId,
    title,
    width,
    height,
    originalWidth: width,
    originalHeight: height,
    contentType,
    byteLength: bytes.length,
    sha256,
    hasOriginal: false,
    originalContentType: contentType,
    tint,
    sentSha256,
    sentBytes,
    ...(remixOf !== undefined && { remixOf }),
    terms: textTerms(title),
    ...unmarked,
    createdAt: store.now(),
  }));
}

/** Null: the same bytes have come in meanwhile. */
async function addUpload(store: Store, image: NewUpload): Promise<UploadedImage | null> {
  const { userId } = image;
  const added = await changeBooks<UploadedImage>(store, { userId, at: image.createdAt }, (books) => {
    const account = { ...books.account, imageSequence: books.account.imageSequence + 1 };
    const numbered = { ...image, sequence: account.imageSequence };
    const atomic = books.write(store.kv.atomic(), { account });
    atomic.check({ key: keys.upload(userId, image.sentSha256), versionstamp: null });
    addImage(checkAccount(atomic, userId), numbered);
    return { atomic, value: numbered };
  });
  return added && added.value;
}

/** The name that the file had, without its ending and what no title has. */
function titleOf(name: string): string {
  const plain = name.replace(/^.*[/\\]/, "").replace(/\.[A-Za-z0-9]{1,5}$/, "").replace(/\p{Cc}+/gu, " ")
    .toWellFormed()
    .trim();
  return plain === "" ? "Upload" : cutText(plain, { chars: titleChars });
}
