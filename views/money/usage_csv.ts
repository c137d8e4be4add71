/** A month's charges as CSV: one line a prompt. */
import type { Correction, LedgerEntry } from "../../lib/money/ledger.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import { costSource } from "./cost.tsx";
import { csvLine } from "../shell/csv.ts";

export const usageHeading = csvLine([
  "Booked (UTC)",
  "Prompt id",
  "Prompt",
  "Model",
  "Size",
  "Pictures",
  "Status",
  "Cost (USD)",
  "Basis",
  "How it came about",
]);

export function usageLine({ entry, prompt }: { entry: LedgerEntry; prompt: Prompt }): string {
  return csvLine([
    new Date(entry.at).toISOString(),
    entry.promptId,
    prompt.request.text,
    entry.model,
    prompt.request.imageSize,
    entry.images,
    prompt.status,
    entry.costMicros / 1_000_000,
    entry.basis,
    costSource(entry),
  ]);
}

/** For admins: without anybody's words, each with the correction that stands beside it. */
export const allUsageHeading = csvLine([
  "Booked (UTC)",
  "Prompt id",
  "User id",
  "Model",
  "Pictures",
  "Cost (USD)",
  "Basis",
  "Correction (USD)",
  "Correction note",
]);

export function allUsageLine(
  { entry, correction }: { entry: LedgerEntry; correction: Correction | null },
): string {
  return csvLine([
    new Date(entry.at).toISOString(),
    entry.promptId,
    entry.userId ?? "",
    entry.model,
    entry.images,
    entry.costMicros / 1_000_000,
    entry.basis,
    correction === null ? "" : correction.costMicros / 1_000_000,
    correction?.note ?? "",
  ]);
}
