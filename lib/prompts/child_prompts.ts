/** The prompts that change a picture. */
import { keys } from "../store/schema.ts";
import type { Store, Versioned } from "../store/store.ts";
import type { Prompt } from "./prompt.ts";
import { readPrompts } from "./prompt_store.ts";

/** The newest first. */
export async function listChildPrompts(
  store: Store,
  { userId, imageId, limit }: { userId: string; imageId: string; limit: number },
): Promise<Versioned<Prompt>[]> {
  const entries = store.kv.list<string>(
    { prefix: keys.childPrompts(userId, imageId) },
    { reverse: true, limit },
  );
  return await readPrompts(store, (await Array.fromAsync(entries)).map(({ value }) => value));
}
