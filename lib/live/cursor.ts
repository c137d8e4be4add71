/** Where a reader of a user's changes is. Each prompt has one place among them: that of its latest change. */
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** Cursors are versionstamps: 20 hexadecimal digits, ascending. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{20}$/.test(text);
}

/** The cursor that nothing is before. */
export const firstCursor = "0".repeat(20);

/** The latest change of a user; a page carries it, and what it hears goes on from there. */
export async function readCursor(store: Store, userId: string): Promise<string> {
  for await (const entry of store.kv.list({ prefix: keys.changesOf(userId) }, { limit: 1, reverse: true })) {
    return entry.key[2] as string;
  }
  return firstCursor;
}

/** The prompts that changed since, the one that changed last at the end, and the cursor after them. */
export async function changedSince(
  store: Store,
  { userId, since }: { userId: string; since: string },
): Promise<{ ids: string[]; cursor: string }> {
  const ids: string[] = [];
  let cursor = since;
  const selector = { prefix: keys.changesOf(userId), start: keys.change(userId, `${since}!`) };
  for await (const { key, value } of store.kv.list<string>(selector, { batchSize: 500 })) {
    ids.push(value);
    cursor = key[2] as string;
  }
  return { ids, cursor };
}
