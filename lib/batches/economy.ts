/** Whether rows can go in the economy lane, which is slower and costs less. */
import type { Models } from "../catalog/models.ts";
import type { BatchPlan } from "./plan.ts";

/** What they cost at most there; null: a row of them is not taken there. */
export function economyMost(
  models: Pick<Models, "economyPrice" | "quote">,
  { rows }: Pick<BatchPlan, "rows">,
): number | null {
  let most = 0;
  for (const { request } of rows) {
    const { model, imageSize: size, edit } = request;
    if (edit !== undefined || models.economyPrice({ model, size }) === null) return null;
    most += models.quote({ ...request, lane: "economy" });
  }
  return most;
}
