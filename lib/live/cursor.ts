/** Where a reader of a user's changes is. Each prompt has one place among them: that of its latest change. */
import { everyChangeRow, keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** Cursors are versionstamps: 20 hexadecimal digits, ascending. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{20}$/.test(text);
}

/** The cursor that nothing is before. */
export const firstCursor = "0".repeat(20);

/** The latest change of a user; a page carries it, and what it hears goes on from there. */
export async function readCursor(store: Store, userId: string): Promise<string> {
  const { versionstamp } = await store.kv.get(keys.changeHead(userId));
  return versionstamp ?? firstCursor;
}

/**
 * The prompts that changed since, the one that changed last at the end, and the cursor after them. What changes while
 * they are read comes after that.
 */
export async function changedSince(
  store: Store,
  { userId, since }: { userId: string; since: string },
): Promise<{ ids: string[]; cursor: string }> {
  const cursor = await readCursor(store, userId);
  if (cursor <= since) return { ids: [], cursor: since };
  const rows = await Promise.all(
    everyChangeRow().map((row) => {
      const selector = { prefix: keys.changesIn(userId, row), start: keys.change(userId, row, `${since}!`) };
      return Array.fromAsync(store.kv.list<string>(selector, { batchSize: 500 }), ({ key, value }) => (
        { version: key[3] as string, id: value }
      ));
    }),
  );
  const changes = rows.flat().filter(({ version }) => version <= cursor);
  changes.sort((a, b) => a.version < b.version ? -1 : a.version > b.version ? 1 : 0);
  return { ids: changes.map(({ id }) => id), cursor };
}
