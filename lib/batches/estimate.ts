/** How long a batch may take, from how long the tasks of its models took lately. */
import type { BatchPlan } from "./plan.ts";

/** In milliseconds; null where nothing is known of one of its models. `atOnce`: prompts of one user that run at once. */
export async function estimateMs(
  { byModel }: Pick<BatchPlan, "byModel">,
  { expectedMs, atOnce }: { expectedMs: (model: string) => Promise<number | null>; atOnce: number },
): Promise<number | null> {
  let sum = 0;
  for (const { model, rows } of byModel) {
    const expected = await expectedMs(model);
    if (expected === null) return null;
    sum += rows * expected;
  }
  const all = byModel.reduce((count, { rows }) => count + rows, 0);
  return sum / Math.min(atOnce, Math.max(1, all));
}
