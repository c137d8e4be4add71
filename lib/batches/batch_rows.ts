/**
 * The rows of a batch, as a blob: a line of JSON each, in their order. It is written before the batch that names it and
 * never changes, so where a row begins can be kept, and only a few are in memory at once.
 */
import { blobKeys, type Blobs, RangeNotSatisfiable } from "../blobs/blobs.ts";
import { createRecent } from "../recent.ts";
import type { BatchRow } from "./plan.ts";

export const rowsContentType = "application/jsonl";

export function encodeRows(rows: readonly BatchRow[]): Uint8Array {
  return new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** A row, and how many bytes of the blob it takes. */
export interface StoredRow {
  row: BatchRow;
  bytes: number;
}

/** The storage has lost the rows of a batch, or a part of them. */
export class RowsMissing extends Error {
  override readonly name = "RowsMissing";
}

export interface RowReader {
  /** At most `most` rows, from the one that begins at byte `from`, at least one. Throws `RowsMissing`. */
  read(batchId: string, options: { from: number; most: number }): Promise<StoredRow[]>;
}

/** A part of a blob, from byte `start`. */
interface Section {
  start: number;
  bytes: Uint8Array;
}

/** Rows are mostly some hundred bytes, and at most some ten thousand. */
const sectionBytes = 64 * 1024;
const mostSections = 16;
const newline = 10;

/** Remembers what it read last of a few batches. */
export function createRowReader(blobs: Pick<Blobs, "open">): RowReader {
  const sections = createRecent<Section>({ most: mostSections });
  return {
    async read(batchId, { from, most }) {
      const known = sections.get(batchId);
      const rows = known === undefined ? [] : rowsIn(known, { from, most });
      if (rows.length > 0) return rows;
      for (let length = sectionBytes;; length *= 2) {
        const { section, isWhole } = await readSection(blobs, { batchId, from, length });
        const rows = rowsIn(section, { from, most });
        if (rows.length === 0 && !isWhole) continue;
        if (rows.length === 0) throw new RowsMissing(`The rows of batch ${batchId} end before byte ${from}`);
        sections.put(batchId, section);
        return rows;
      }
    },
  };
}

/** All rows from the beginning, without keeping any. */
export async function* readAllRows(blobs: Pick<Blobs, "open">, batchId: string): AsyncGenerator<BatchRow> {
  const blob = await blobs.open(blobKeys.batchRows(batchId));
  if (blob === null) throw new RowsMissing(`There are no rows of batch ${batchId}`);
  let rest = "";
  for await (const text of blob.stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

/** `isWhole`: it goes to the end. */
async function readSection(
  blobs: Pick<Blobs, "open">,
  { batchId, from, length }: { batchId: string; from: number; length: number },
): Promise<{ section: Section; isWhole: boolean }> {
  const range = { first: from, last: from + length - 1 };
  try {
    const blob = await blobs.open(blobKeys.batchRows(batchId), range);
    if (blob === null) throw new RowsMissing(`There are no rows of batch ${batchId}`);
    const bytes = new Uint8Array(await new Response(blob.stream).arrayBuffer());
    return { section: { start: from, bytes }, isWhole: blob.end >= blob.size };
  } catch (error) {
    if (!(error instanceof RangeNotSatisfiable)) throw error;
    throw new RowsMissing(`The rows of batch ${batchId} end before byte ${from}`, { cause: error });
  }
}

/** Those that are there to their end; none where the section begins after `from`. */
function rowsIn({ start, bytes }: Section, { from, most }: { from: number; most: number }): StoredRow[] {
  const rows: StoredRow[] = [];
  let begin = from - start;
  while (begin >= 0 && rows.length < most) {
    const end = bytes.indexOf(newline, begin);
    if (end < 0) break;
    const row: BatchRow = JSON.parse(new TextDecoder().decode(bytes.subarray(begin, end)));
    rows.push({ row, bytes: end + 1 - begin });
    begin = end + 1;
  }
  return rows;
}
