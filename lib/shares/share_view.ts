/** What owners see of their shares. */
import { keys } from "../store/schema.ts";
import { read, readMany, type Store } from "../store/store.ts";
import { undoMs } from "../images/delete_image.ts";
import type { Image, TrashedImage } from "../images/image.ts";
import { listBoardImages } from "../boards/board_pictures.ts";
import { readSharedPictures } from "./open_share.ts";
import { isOver, mostPictures, type Share } from "./share.ts";
import type { Looks, ShareViews } from "./share_views.ts";
import type { Seal } from "../seal.ts";

export interface ShareView extends Looks {
  share: Share;
  /** Null: it was made under another secret, and can't be shown any more. */
  token: string | null;
  /** How many pictures it shows. */
  images: number;
  /** The first of them. */
  cover: Image | null;
  /** Null: it works. */
  endedAt: number | null;
}

export interface ShareViewDeps {
  store: Store;
  tokens: Seal;
  views: ShareViews;
}

export async function viewShares(
  { store, tokens, views }: ShareViewDeps,
  shares: readonly Share[],
): Promise<ShareView[]> {
  const looks = await views.read(shares.map(({ hash }) => hash));
  return await Promise.all(shares.map(async (share, i) => {
    const [token, pictures] = await Promise.all([tokens.unseal(share.sealed), readPictures(store, share)]);
    const endedAt = await endOf(store, { share, images: pictures.images });
    return { share, token, ...pictures, ...looks[i], endedAt };
  }));
}

async function readPictures(store: Store, share: Share): Promise<Pick<ShareView, "images" | "cover">> {
  if ("boardId" in share.of) {
    const { items, total } = await listBoardImages(store, { boardId: share.of.boardId, limit: 1 });
    return { images: Math.min(total, mostPictures), cover: items.at(0) ?? null };
  }
  const pictures = await readSharedPictures(store, { ...share, showPrompt: false });
  return { images: pictures.length, cover: pictures.at(0)?.image ?? null };
}

/** Its own end, or when the last of its pictures was deleted. */
async function endOf(
  store: Store,
  { share, images }: { share: Share; images: number },
): Promise<number | null> {
  const { of, endedAt, expiresAt } = share;
  if (endedAt !== null) return endedAt;
  if (isOver(share, store.now())) return expiresAt;
  if ("boardId" in of) {
    return await read(store.kv, keys.board(of.boardId)) === null ? store.now() : null;
  }
  if (images > 0) return null;
  const trashed = await readMany<TrashedImage>(store.kv, of.imageIds.map(keys.trash));
  const deletedAt = trashed.flatMap((each) => each === null ? [] : [each.value.goesAt - undoMs]);
  return deletedAt.length > 0 ? Math.max(...deletedAt) : store.now();
}
