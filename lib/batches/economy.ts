/** Whether rows can go in the economy lane, which is slower and costs less. */
import type { Models } from "../catalog/models.ts";
import type { BatchPlan } from "./plan.ts";

export interface EconomyOffer {
  /** What they cost at most there. */
  mostMicros: number;
  /** What comes of them is there by then at the latest. */
  withinMs: number;
}

/** Null: a row of them is not taken there. */
export function economyOffer(
  models: Pick<Models, "economyPrice" | "quote" | "find">,
  { rows }: Pick<BatchPlan, "rows">,
): EconomyOffer | null {
  const offer = { mostMicros: 0, withinMs: 0 };
  for (const { request } of rows) {
    const { model, imageSize: size, edit } = request;
    const windowMs = models.find(model)?.model.lots?.windowMs;
    const isTaken = edit === undefined && models.economyPrice({ model, size }) !== null;
    if (!isTaken || windowMs === undefined) return null;
    offer.mostMicros += models.quote({ ...request, lane: "economy" });
    offer.withinMs = Math.max(offer.withinMs, windowMs);
  }
  return offer;
}
