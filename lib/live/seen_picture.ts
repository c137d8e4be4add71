/**
 * Pictures as somebody sees them who may not be their owner. What people have said of a picture for themselves, what it
 * cost them, and what it was made from is theirs alone; so is its prompt, and what it was called after, where they hide
 * that.
 */
import { hidesPrompt, type SeenImage } from "../boards/access.ts";
import type { Board } from "../boards/board.ts";
import { type Image, unmarked } from "../images/image.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import type { Store } from "../store/store.ts";
import { readUsers } from "../users/user.ts";
import { type PictureView, viewPictures } from "./prompt_view.ts";

export interface SeenPicture {
  /** As its owner sees it. */
  view: PictureView;
  /** Without what is its owner's alone. */
  image: Image;
  isOwn: boolean;
  isPromptHidden: boolean;
  ownerName: string;
  /** What it shows, for readers: what was asked for, or what an upload is called. */
  text: string;
  /** What made it; null where that is hidden, and for an upload. */
  request: PromptRequest | null;
}

/** What stands in place of a hidden prompt, and of the name of such a picture. */
export const hiddenText = "A picture";

/** Pictures of a board, as one of its people sees them. */
export function viewBoardPictures(
  store: Store,
  { userId, board, images }: { userId: string; board: Board; images: readonly Image[] },
): Promise<SeenPicture[]> {
  return viewSeen(
    store,
    images.map((image): SeenImage => {
      const isOwn = image.userId === userId;
      return { image, isOwn, boards: [board], isPromptHidden: !isOwn && hidesPrompt(board, image) };
    }),
  );
}

export async function viewSeen(store: Store, seen: readonly SeenImage[]): Promise<SeenPicture[]> {
  const [views, owners] = await Promise.all([
    viewPictures(store, seen.map(({ image }) => image)),
    readUsers(store, seen.map(({ image }) => image.userId)),
  ]);
  const names = new Map(owners.map(({ id, name }) => [id, name]));
  const byId = new Map(seen.map((each) => [each.image.id, each]));
  return views.map((view): SeenPicture => {
    const { image, isOwn, boards, isPromptHidden } = byId.get(view.image.id)!;
    return {
      view,
      image: isOwn ? image : maskedImage(image, { boards, isPromptHidden }),
      isOwn,
      isPromptHidden,
      ownerName: names.get(image.userId) ?? "Somebody who has left",
      text: isPromptHidden ? hiddenText : view.text,
      request: view.prompt === null || isPromptHidden ? null : view.prompt.request,
    };
  });
}

function maskedImage(
  image: Image,
  { boards, isPromptHidden }: Pick<SeenImage, "boards" | "isPromptHidden">,
): Image {
  const places = image.boards.filter(({ boardId }) => boards.some(({ id }) => id === boardId));
  const masked = { ...image, ...unmarked, boards: places, terms: [] };
  return isPromptHidden ? { ...masked, title: hiddenText } : masked;
}

/** As a tile shows it. */
export function tileOf({ view, image, text, isOwn }: SeenPicture): PictureView {
  const shown = { ...view, image, text } as PictureView;
  return isOwn || shown.prompt === null
    ? shown
    : { ...shown, costMicros: null, charge: null, durationMs: null };
}
