/** Copies all rows of one store to another, empty one, and reads them back before anything counts. */
import { createHash, type Hash } from "node:crypto";
import { StartError } from "../../refusal.ts";
import { recordsVersion } from "../../store/migrations.ts";
import { packKey, unpackKey } from "../../store/postgres/packed_key.ts";
import { valueOf } from "../../store/postgres/stored_value.ts";
import { keys, kinds } from "../../store/schema.ts";
import type { RowSource, RowTarget, StoredRow } from "./rows.ts";

/** Entries by kind. */
export type Counts = ReadonlyMap<string, number>;

export interface MoveDeps {
  now: () => number;
  /** Refuses where nodes were seen that still write to the source. */
  mayBeInUse: boolean;
}

/** Throws `StartError` on a source of another version, or that is in use. */
export async function moveRows(from: RowSource, to: RowTarget, deps: MoveDeps): Promise<Counts> {
  const written = createTally();
  const seen = createFindings();
  for await (const rows of from.read()) {
    for (const row of rows) {
      written.add(row);
      seen.look(row);
    }
    await to.write(rows);
  }
  seen.demandMovable(deps);
  await to.goOnBehind(await from.highestVersion());
  const found = createTally();
  for await (const rows of to.read()) rows.forEach(found.add);
  demandSame(written, found);
  await to.keep();
  return written.counts;
}

interface Tally {
  counts: Map<string, number>;
  hash: Hash;
  add(row: StoredRow): void;
}

function createTally(): Tally {
  const counts = new Map<string, number>();
  const hash = createHash("sha256");
  return {
    counts,
    hash,
    add({ key, kind, bytes, number, version, expiresAt }) {
      const name = kindOf(key);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      hash.update(`${key.length} ${kind} ${bytes?.length ?? 0} ${number} ${version} ${expiresAt} `).update(
        key,
      )
        .update(bytes ?? "");
    },
  };
}

function kindOf(key: Uint8Array): string {
  return String(unpackKey(key)[0]);
}

function demandSame(written: Tally, found: Tally): void {
  for (const kind of new Set([...written.counts.keys(), ...found.counts.keys()])) {
    const [wanted = 0, there = 0] = [written.counts.get(kind), found.counts.get(kind)];
    if (wanted !== there) throw new Error(`Of ${kind} there are ${there} entries instead of ${wanted}`);
  }
  if (written.hash.digest("hex") !== found.hash.digest("hex")) {
    throw new Error("The entries that were read back are not those that were written");
  }
}

/** A node that was not seen for so long counts as gone. */
const goneAfterMs = 30_000;

/** What is looked for among the rows that pass. */
function createFindings() {
  const versionKey = packKey(keys.recordsVersion()).toHex();
  let version: unknown;
  let isUnderWay = false;
  const nodesSeenAt: number[] = [];
  return {
    look(row: StoredRow): void {
      if (row.key.toHex() === versionKey) {
        const stored = valueOf(row) as { version: unknown; underWay?: unknown };
        version = stored.version;
        isUnderWay = stored.underWay !== undefined;
      } else if (kindOf(row.key) === kinds.nodes[0]) {
        nodesSeenAt.push((valueOf(row) as { seenAt: number }).seenAt);
      }
    },
    demandMovable({ now, mayBeInUse }: MoveDeps): void {
      if (version !== recordsVersion || isUnderWay) {
        throw new StartError(
          `The records have version ${version ?? "none"}${
            isUnderWay ? ", on its way to the next" : ""
          }, and this program knows ${recordsVersion}: start it on them first`,
        );
      }
      const alive = nodesSeenAt.filter((at) => now() - at < goneAfterMs).length;
      if (alive === 0 || mayBeInUse) return;
      throw new StartError(
        `Stop all nodes (${alive} seen within half a minute): what they write would be lost`,
      );
    },
  };
}
