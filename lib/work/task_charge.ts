/** What a task is charged: what the provider reports or computes, else the price book's row the prompt was held by. */
import type { Prompt, Task } from "../prompts/prompt.ts";
import type { FailureOutcome, ProviderCost } from "../catalog/provider.ts";
import { type Charge, noCharge, type PriceRow, scaledByLane } from "../money/charge.ts";

/** A million dollars: no picture costs that much, and sums of such amounts are still exact. */
const mostCredibleMicros = 1e12;

/** For a task that is billed. What is no amount of money that a picture can cost decides nothing. */
export function billedCharge(
  prompt: Prompt,
  { task, cost }: { task: Task; cost: ProviderCost | null },
): Charge {
  if (cost !== null && isCredible(cost.costMicros)) {
    return { ...inLane(cost, prompt.priceRow), priceRow: null };
  }
  return tableCharge(prompt, task);
}

/** What was reported is taken as it is; what was computed, as if the task had been done alone, by its lane's row. */
function inLane(cost: ProviderCost, row: PriceRow | null): Omit<Charge, "priceRow"> {
  if (cost.basis === "reported" || row?.lane === undefined) return cost;
  const costMicros = scaledByLane(cost.costMicros, row);
  return { ...cost, costMicros, ...saved(cost.costMicros - costMicros) };
}

function saved(savedMicros: number): Pick<Charge, "savedMicros"> {
  return savedMicros > 0 ? { savedMicros } : {};
}

function isCredible(micros: number): boolean {
  return Number.isInteger(micros) && micros >= 0 && micros <= mostCredibleMicros;
}

/** For a failed task, by what is known of it. */
export function failureCharge(
  prompt: Prompt,
  { task, outcome, cost }: { task: Task; outcome: FailureOutcome; cost: ProviderCost | null },
): Charge {
  if (outcome === "billed") return billedCharge(prompt, { task, cost });
  if (outcome === "unknown") return heldCharge(prompt, task);
  return noCharge;
}

function tableCharge(prompt: Prompt, task: Task): Charge {
  const { priceRow, request } = prompt;
  const sources = request.edit?.sources.length ?? 0;
  const costMicros = (priceRow?.costMicros ?? 0) * task.count + (priceRow?.perSourceMicros ?? 0) * sources;
  if (costMicros === 0) return noCharge;
  const insteadOf = (priceRow?.insteadOfMicros ?? 0) * task.count;
  return { costMicros, basis: "table", priceRow, ...saved(insteadOf - costMicros) };
}

/** The task's part of what was set aside: it may have cost that much. */
function heldCharge(prompt: Prompt, task: Task): Charge {
  const costMicros = Math.ceil((prompt.holdMicros * task.count) / prompt.request.count);
  return costMicros === 0 ? noCharge : { costMicros, basis: "unknown", priceRow: prompt.priceRow };
}
