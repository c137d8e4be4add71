/**
 * From version 5 to 6. A prompt has a rank, by which it stands in its user's queue and by which it is counted there, so
 * that it can be moved. Until now it stood there by its id, in the order in which it was accepted.
 */
import type { Migration, RewriteContext, Write } from "../migration.ts";
import { keys, kinds } from "../schema.ts";

const partsWithRank = 4;
/** Of the blocks that a counted list counts by. */
const blockBits = [8, 16];

interface OldPrompt {
  id: string;
  sequence: number;
  status: string;
  readyAt?: number | null;
  batchId: string | null;
  holdMicros: number;
  request: { model: string };
  rank?: number;
  changedAs?: string;
}

/** Writing it anew is no change: it keeps its place among its user's changes. */
function rewritePrompt({ key, value, versionstamp }: Deno.KvEntry<unknown>): Write[] {
  const prompt = value as OldPrompt;
  if (prompt.rank !== undefined) return [];
  return [{ key, value: { ...prompt, rank: prompt.sequence, changedAs: prompt.changedAs ?? versionstamp } }];
}

/** What is read may have been written by this already: a number comes after an id. */
async function rewriteEntry({ key }: Deno.KvEntry<unknown>, { kv }: RewriteContext): Promise<Write[]> {
  if (key.length === partsWithRank) return [];
  const [kind, userId, promptId] = key;
  const { value: prompt } = await kv.get<OldPrompt>(keys.prompt(String(promptId)));
  const gone: Write = { key, value: undefined };
  // Damage: what does not wait has no place.
  if (prompt?.status !== "PENDING" || prompt.readyAt !== null) return [gone];
  const { sequence: rank, batchId, holdMicros, request: { model } } = prompt;
  return [
    gone,
    { key: [kind, userId, rank, promptId], value: { batchId, model, holdMicros } },
    ...blockBits.map((bits): Write => ({
      key: [...kinds.counts, kind, userId, bits, Math.floor(rank / 2 ** bits)],
      value: undefined,
      sum: 1n,
    })),
  ];
}

export const ranksInTheQueue: Migration = {
  steps: [
    { prefix: kinds.prompts, rewrite: rewritePrompt },
    { prefix: kinds.queue, rewrite: rewriteEntry },
  ],
};
