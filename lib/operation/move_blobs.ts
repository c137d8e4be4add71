/**
 * Moving blobs from one storage to another. First everything is copied, what is there already left out; only then,
 * and only where nobody uses the storage, does it go from where it was. Breaking it off loses nothing, and doing it
 * again goes on.
 */
import { batchIdIn, batchPrefix, type Blobs, imageIdIn, type ListedBlob, readBlob } from "../blobs/blobs.ts";
import type { Log } from "../log.ts";
import { formatOf } from "../pixels/format.ts";

export interface MoveReport {
  copied: number;
  /** Were there already. */
  present: number;
  removed: number;
}

const atOnce = 8;

/** Copies what `to` does not have. Blobs never change, so one of the same key and size is the same. */
export async function copyBlobs({ from, to }: { from: Blobs; to: Blobs }): Promise<MoveReport> {
  const report: MoveReport = { copied: 0, present: 0, removed: 0 };
  const there = new Map<string, number>();
  for await (const { key, size } of listMoved(to)) there.set(key, size);
  await forEach(from, async ({ key, size }) => {
    if (there.get(key) === size) return void report.present++;
    const bytes = await readBlob(from, key);
    if (bytes === null) return;
    await to.put(key, bytes, contentTypeOf(bytes));
    report.copied++;
  });
  return report;
}

/** Takes from `from` what `to` has too. Nobody may be using `from` any more. */
export async function removeCopied({ from, to }: { from: Blobs; to: Blobs }): Promise<number> {
  const there = new Map<string, number>();
  for await (const { key, size } of listMoved(to)) there.set(key, size);
  let removed = 0;
  await forEach(from, async ({ key, size }) => {
    if (there.get(key) !== size) return;
    await from.delete(key);
    removed++;
  });
  return removed;
}

/** Pictures at a place where nobody looks for them any more are said to whoever runs the server, with what to do. */
export async function tellOfMisplaced(misplaced: Blobs, log: Log): Promise<void> {
  try {
    for await (const { key } of misplaced.list()) {
      if (imageIdIn(key) === null) continue;
      const advice = "R2_ENDPOINT had the bucket in it: run `deno task move-blobs r2`";
      return log("error", "pictures_misplaced", { first: key, advice });
    }
  } catch (error) {
    log("warn", "misplaced_pictures_unknown", { error });
  }
}

/** What records name: pictures, and the rows of batches. */
async function* listMoved(blobs: Blobs): AsyncGenerator<ListedBlob, void> {
  for await (const blob of blobs.list()) if (imageIdIn(blob.key) !== null) yield blob;
  for await (const blob of blobs.list(batchPrefix)) if (batchIdIn(blob.key) !== null) yield blob;
}

async function forEach(blobs: Blobs, work: (blob: ListedBlob) => Promise<void>): Promise<void> {
  const waiting = listMoved(blobs);
  const lane = async () => {
    for (let next = await waiting.next(); !next.done; next = await waiting.next()) {
      try {
        await work(next.value);
      } catch (error) {
        await waiting.return();
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  const failed = lanes.find((result) => result.status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/** Only S3 keeps it, for those who look there; the records know it anyhow. */
function contentTypeOf(bytes: Uint8Array): string {
  const format = formatOf(bytes);
  return format === null ? "application/octet-stream" : `image/${format}`;
}
