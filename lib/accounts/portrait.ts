/** The picture that a person is shown by: what their sign-in provider has, made small. Few have one. */
import { type Portrait, readPortrait } from "./read_portrait.ts";
import type { Log } from "../log.ts";
import type { Outgoing } from "../outgoing.ts";
import { makeThumbnail } from "../pixels/picture.ts";
import { keys } from "../store/schema.ts";
import { checkAccount } from "../users/user.ts";
import { commit, type Store } from "../store/store.ts";

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

export interface Portraits {
  /**
   * Fetches and keeps the picture that a provider names (`ownOrigin` is the provider's), where the person has none
   * yet. What goes wrong is logged and nothing more: nobody waits for a picture to be signed in.
   */
  adopt(userId: string, named: { address: string; ownOrigin: string }): Promise<void>;
}

const maxBytes = 2 * 1024 * 1024;
const timeoutMs = 10_000;

export function createPortraits(
  { store, outgoing, log }: { store: Store; outgoing: Pick<Outgoing, "fetchNamed">; log: Log },
): Portraits {
  return {
    async adopt(userId, { address, ownOrigin }) {
      try {
        if (await readPortrait(store, userId) !== null) return;
        const signal = AbortSignal.timeout(timeoutMs);
        const bytes = await outgoing.fetchNamed(address, { ownOrigin, maxBytes, timeoutMs, signal });
        await savePortrait(store, { userId, bytes });
      } catch (error) {
        log("warn", "portrait_not_adopted", { userId, error });
      }
    },
  };
}
