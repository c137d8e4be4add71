/** What a contact sheet has to know of each row before it is a prompt. Rows never change, so it is found out once. */
import type { Blobs } from "../blobs/blobs.ts";
import { cutText } from "../graphemes.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import { createRecent } from "../recent.ts";
import { parseSize, type Size } from "../size.ts";
import { readAllRows } from "./batch_rows.ts";
import { type Difference, differencesOf } from "./differences.ts";

export interface SheetRow {
  /** From 1 on. */
  number: number;
  /** The beginning of its prompt. */
  text: string;
  size: Size;
  /** Pictures that it asks for. */
  count: number;
  difference: Difference;
}

export interface Sheets {
  /** All rows of a batch. Throws `RowsMissing`. */
  read(batchId: string): Promise<readonly SheetRow[]>;
}

const mostSheets = 32;
const mostChars = 200;

export function createSheets(blobs: Pick<Blobs, "open">): Sheets {
  const known = createRecent<Promise<readonly SheetRow[]>>({ most: mostSheets });
  return {
    async read(batchId) {
      const sheet = known.get(batchId) ?? readSheet(blobs, batchId);
      known.put(batchId, sheet);
      try {
        return await sheet;
      } catch (error) {
        known.take(batchId);
        throw error;
      }
    },
  };
}

async function readSheet(blobs: Pick<Blobs, "open">, batchId: string): Promise<SheetRow[]> {
  const requests = await Array.fromAsync(readAllRows(blobs, batchId), ({ request }) => request);
  const differences = differencesOf(requests);
  return requests.map(({ text, imageSize, count }: PromptRequest, i) => ({
    number: i + 1,
    text: cutText(text, { chars: mostChars }),
    size: parseSize(imageSize),
    count,
    difference: differences[i],
  }));
}
