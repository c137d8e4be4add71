/** A portrait as it is kept. Apart from what makes one, which no task in the terminal may load. */
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";

export interface Portrait {
  contentType: "image/webp";
  bytes: Uint8Array;
}

export async function readPortrait(store: Store, userId: string): Promise<Portrait | null> {
  return (await read<Portrait>(store.kv, keys.portrait(userId)))?.value ?? null;
}
