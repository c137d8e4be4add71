/** The picture that a person is shown by: what their sign-in provider has, made small. Few have one. */
import { makeThumbnail } from "./picture.ts";
import { keys } from "./schema.ts";
import { checkAccount } from "./user.ts";
import { commit, read, type Store } from "./store.ts";

export interface Portrait {
  contentType: "image/webp";
  bytes: Uint8Array;
}

/** Pixels; at this width a portrait is a few kilobytes, far below what a value of the database may have. */
const portraitWidth = 128;

/** Keeps a portrait in place of the one before. Throws where the bytes are no picture. */
export async function savePortrait(
  store: Store,
  { userId, bytes }: { userId: string; bytes: Uint8Array },
): Promise<void> {
  const portrait: Portrait = { contentType: "image/webp", bytes: await makeThumbnail(bytes, portraitWidth) };
  await commit(checkAccount(store.kv.atomic(), userId).set(keys.portrait(userId), portrait));
}

export async function readPortrait(store: Store, userId: string): Promise<Portrait | null> {
  return (await read<Portrait>(store.kv, keys.portrait(userId)))?.value ?? null;
}
