/**
 * What is counted by day, person and model, worked out anew from the ledger, what corrects it, how prompts ended and
 * which pictures have stars. It shares nothing with `statistics/` but the shape and the buckets, so a mistake there shows.
 */
import { nobody } from "../money/account.ts";
import { bucketOf } from "../statistics/histogram.ts";
import type { Rollup } from "../statistics/rollup.ts";
import { keys } from "../store/schema.ts";
import { type EntryFacts, nameOf, type Records } from "./records.ts";

interface DueRollup {
  key: Deno.KvKey;
  value: Rollup;
}

export function deriveRollups(records: Records): DueRollup[] {
  const { entries, corrections } = records;
  const kept = keptByPrompt(records);
  const due = new Map<string, DueRollup>();
  for (const [promptId, entry] of entries) {
    const key = keys.rollup(
      entry.userId ?? nobody,
      new Date(entry.at).toISOString().slice(0, 10),
      entry.model,
    );
    const name = nameOf(key);
    const { value } = due.get(name) ?? { value: nothing() };
    due.set(name, { key, value });
    const costMicros = entry.costMicros + (corrections.get(promptId) ?? 0);
    count(value, { entry, costMicros, end: endOf(records, { promptId, entry }) });
    value.keepers += entry.userId === null ? entry.outcome?.keepers ?? 0 : kept.get(promptId) ?? 0;
  }
  return [...due.values()];
}

/** How large each user's pictures are that are not deleted, in bytes. */
export function deriveStoredBytes({ images }: Records): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { userId, byteLength } of images.values()) {
    sums.set(userId, (sums.get(userId) ?? 0) + byteLength);
  }
  return sums;
}

function nothing(): Rollup {
  const amounts = { costMicros: 0, lostMicros: 0, savedMicros: 0 };
  const counts = { prompts: 0, completed: 0, failed: 0, cancelled: 0, images: 0, keepers: 0 };
  return { ...amounts, ...counts, failures: {}, hours: {}, took: {} };
}

interface End {
  status: string | null;
  reason: string | null;
  tookMs: number | null;
}

/** As its prompt says; where that is gone, as the entry does; of earlier ones nobody knows more than whether it had pictures. */
function endOf({ prompts }: Records, { promptId, entry }: { promptId: string; entry: EntryFacts }): End {
  const prompt = prompts.get(promptId);
  if (prompt === undefined) {
    return entry.outcome ?? { status: entry.images > 0 ? "COMPLETED" : null, reason: null, tookMs: null };
  }
  const { status, reason, durationMs, lane } = prompt;
  return { status, reason, tookMs: status === "COMPLETED" && lane === undefined ? durationMs : null };
}

function count(
  rollup: Rollup,
  { entry, costMicros, end }: { entry: EntryFacts; costMicros: number; end: End },
): void {
  rollup.prompts++;
  rollup.images += entry.images;
  rollup.costMicros += costMicros;
  rollup.savedMicros += entry.savedMicros ?? 0;
  if (end.status === "COMPLETED") rollup.completed++;
  else rollup.lostMicros += costMicros;
  if (end.status === "FAILED") rollup.failed++;
  if (end.status === "CANCELLED") rollup.cancelled++;
  const one = (counts: { [name: string]: number }, name: string | number) =>
    counts[name] = (counts[name] ?? 0) + 1;
  one(rollup.hours, new Date(entry.at).getUTCHours());
  if (end.status === "FAILED" && end.reason !== null) one(rollup.failures, end.reason);
  if (end.tookMs !== null) one(rollup.took, bucketOf(end.tookMs));
}

/** How many pictures of each prompt have four stars or five. */
function keptByPrompt({ images }: Records): Map<string, number> {
  const kept = new Map<string, number>();
  for (const { promptId, rating } of images.values()) {
    if (promptId !== null && rating >= 4) kept.set(promptId, (kept.get(promptId) ?? 0) + 1);
  }
  return kept;
}
