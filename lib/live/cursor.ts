/**
 * Where a reader of a user's changes is. Each prompt has one place among them: that of its latest change. A batch has one
 * too, that of its latest change by itself; a change of one of its prompts tells that it changed as well.
 */
import { everyChangeRow, keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/**
 * Cursors are versionstamps: 20 hexadecimal digits, ascending. KV leaves the last four of its own at 0; a cursor in the
 * middle of a commit that changed several prompts says there which rows were told already.
 */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{20}$/.test(text);
}

/** The cursor that nothing is before. */
export const firstCursor = "0".repeat(20);

const digitsOfCommit = 16;

/** After the prompts of the rows up to this one in a commit: before the commit's own cursor, after all others. */
export function cursorWithin(version: string, row: number): string {
  const before = BigInt(`0x${version.slice(0, digitsOfCommit)}`) - 1n;
  return before.toString(16).padStart(digitsOfCommit, "0") + (row + 1).toString(16).padStart(4, "0");
}

/** The commit that a cursor is in the middle of, and the last row that was told; null: it is between two. */
function middleOf(cursor: string): { version: string; row: number } | null {
  const told = parseInt(cursor.slice(digitsOfCommit), 16);
  if (told === 0) return null;
  const commit = BigInt(`0x${cursor.slice(0, digitsOfCommit)}`) + 1n;
  return { version: `${commit.toString(16).padStart(digitsOfCommit, "0")}0000`, row: told - 1 };
}

/** The latest change of a user; a page carries it, and what it hears goes on from there. */
export async function readCursor(store: Store, userId: string): Promise<string> {
  const heads = [keys.changeHead(userId), keys.batchHead(userId)];
  const versions = await Promise.all(heads.map(async (key) => (await store.kv.get(key)).versionstamp));
  return latestOf(versions);
}

/** Of the versions of a user's heads. */
export function latestOf(versions: readonly (string | null)[]): string {
  return versions.reduce<string>(
    (latest, version) => version !== null && version > latest ? version : latest,
    firstCursor,
  );
}

/**
 * The prompts that changed since, the one that changed last at the end, and the cursor after them. What changes while
 * they are read comes after that.
 */
export async function changedSince(
  store: Store,
  { userId, since, upTo }: {
    userId: string;
    since: string;
    /** A cursor up to which they are told; left out: all that changed by now. */
    upTo?: string;
  },
): Promise<{ ids: string[]; cursor: string }> {
  const cursor = upTo ?? await readCursor(store, userId);
  if (cursor <= since) return { ids: [], cursor: since };
  const rows = await Promise.all(
    everyChangeRow().map((row) => {
      const selector = { prefix: keys.changesIn(userId, row), start: keys.change(userId, row, `${since}!`) };
      return Array.fromAsync(store.kv.list<string>(selector, { batchSize: 500 }), ({ key, value }) => (
        { version: key[3] as string, row, id: value }
      ));
    }),
  );
  const middle = middleOf(since);
  const isTold = (version: string, row: number) => version === middle?.version && row <= middle.row;
  const changes = rows.flat().filter(({ version, row }) => version <= cursor && !isTold(version, row));
  changes.sort((a, b) => a.version < b.version ? -1 : a.version > b.version ? 1 : a.row - b.row);
  return { ids: changes.map(({ id }) => id), cursor };
}

/** The batches that changed by themselves since, up to that cursor. */
export async function batchesChangedSince(
  store: Store,
  { userId, since, upTo }: { userId: string; since: string; upTo: string },
): Promise<string[]> {
  if (upTo <= since) return [];
  const selector = { prefix: keys.batchChangesOf(userId), start: keys.batchChange(userId, `${since}!`) };
  const entries = store.kv.list<string>(selector, { batchSize: 500 });
  const changes = await Array.fromAsync(
    entries,
    ({ key, value }) => ({ version: String(key[2]), id: value }),
  );
  return changes.filter(({ version }) => version <= upTo).map(({ id }) => id);
}
