/**
 * From version 7 to 8. What was booked is counted by day, person and model, and how large somebody's pictures are. Of
 * accounts that were deleted before, the ledger says what was paid and how many pictures came, and no more.
 */
import type { Migration, RewriteContext, Write } from "../migration.ts";
import { keys, kinds } from "../schema.ts";

interface OldEntry {
  promptId: string;
  userId: string | null;
  model: string;
  images: number;
  costMicros: number;
  savedMicros?: number;
  basis: string;
  at: number;
}

interface OldPrompt {
  status: string;
  lane?: string;
  failure?: { reason: string } | null;
  createdAt: number;
  finishedAt?: number;
}

interface OldImage {
  kind: "made" | "upload";
  userId: string;
  promptId?: string;
  rating: number;
  byteLength: number;
}

const amounts = [
  "prompts",
  "completed",
  "failed",
  "cancelled",
  "images",
  "costMicros",
  "lostMicros",
  "savedMicros",
  "keepers",
] as const;
const counts = ["failures", "hours", "took"] as const;

type Counts = { [name: string]: number };
type Rollup = { [name in (typeof amounts)[number]]: number } & { [name in (typeof counts)[number]]: Counts };

function empty(): Rollup {
  const numbers = Object.fromEntries(amounts.map((name) => [name, 0]));
  return { ...numbers, failures: {}, hours: {}, took: {} } as Rollup;
}

async function countEntry({ value }: Deno.KvEntry<unknown>, { kv }: RewriteContext): Promise<Write[]> {
  const entry = value as OldEntry;
  const [prompt, correction] = await Promise.all([
    kv.get<OldPrompt>(keys.prompt(entry.promptId)),
    entry.basis === "unknown" ? kv.get<{ costMicros: number }>(keys.correction(entry.promptId)) : null,
  ]);
  const costMicros = entry.costMicros + (correction?.value?.costMicros ?? 0);
  return [add(entry, rollupOf(entry, { prompt: prompt.value, costMicros }))];
}

function rollupOf(
  { at, images, savedMicros = 0 }: OldEntry,
  { prompt, costMicros }: { prompt: OldPrompt | null; costMicros: number },
): Rollup {
  const status = prompt?.status ?? (images > 0 ? "COMPLETED" : null);
  const reason = status === "FAILED" ? prompt?.failure?.reason : undefined;
  const tookMs = status === "COMPLETED" && prompt?.finishedAt !== undefined && prompt.lane === undefined
    ? prompt.finishedAt - prompt.createdAt
    : null;
  return {
    ...empty(),
    prompts: 1,
    completed: Number(status === "COMPLETED"),
    failed: Number(status === "FAILED"),
    cancelled: Number(status === "CANCELLED"),
    images,
    costMicros,
    lostMicros: status === "COMPLETED" ? 0 : costMicros,
    savedMicros,
    failures: reason === undefined ? {} : { [reason]: 1 },
    hours: { [new Date(at).getUTCHours()]: 1 },
    took: tookMs === null ? {} : { [bucketOf(tookMs)]: 1 },
  };
}

function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(1.2));
}

/** A picture with four stars or five counts on the day on which its prompt was booked. */
async function countImage({ value }: Deno.KvEntry<unknown>, { kv }: RewriteContext): Promise<Write[]> {
  const { kind, userId, promptId = "", rating, byteLength } = value as OldImage;
  const size: Write = { key: keys.storedBytes(userId), value: undefined, sum: BigInt(byteLength) };
  if (kind !== "made" || rating < 4) return [size];
  const { value: entry } = await kv.get<OldEntry>(keys.ledger(promptId));
  return entry === null ? [size] : [size, add(entry, { ...empty(), keepers: 1 })];
}

function add({ userId, at, model }: OldEntry, more: Rollup): Write {
  const day = new Date(at).toISOString().slice(0, 10);
  return {
    key: keys.rollup(userId ?? "deleted", day, model),
    value: undefined,
    merge: (stored) => sumOf(stored as Rollup | null ?? empty(), more),
  };
}

function sumOf(a: Rollup, b: Rollup): Rollup {
  const numbers = Object.fromEntries(amounts.map((name) => [name, a[name] + b[name]]));
  const maps = Object.fromEntries(counts.map((name) => [name, sumCounts(a[name], b[name])]));
  return { ...numbers, ...maps } as Rollup;
}

function sumCounts(a: Counts, b: Counts): Counts {
  const sum = { ...a };
  for (const name in b) sum[name] = (sum[name] ?? 0) + b[name];
  return sum;
}

export const countedByDay: Migration = {
  steps: [
    { prefix: kinds.ledger, rewrite: countEntry },
    { prefix: kinds.images, rewrite: countImage },
  ],
};
