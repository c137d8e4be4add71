/** What a batch will be before it is accepted: its rows, checked and priced, and the terms on which they run. */
import type { PriceRow } from "../money/charge.ts";
import type { Filing, PromptRequest, RecipeUse } from "../prompts/prompt.ts";
import type { PricesSeen } from "../prompts/quote.ts";
import type { Axis, Lane } from "./batch.ts";

/** A row that was checked: a line of a batch's blob. */
export interface BatchRow {
  request: PromptRequest;
  /** The most that it can cost, in micro-dollars. */
  holdMicros: number;
  /** Which of the batch's price rows it is charged by, counted from 0. */
  priceRow: number;
  /** Pictures that one task of its model makes at most, as the hold was computed. */
  imagesPerTask: number;
  /** Where its pictures go when they arrive. */
  filing?: Filing;
  /** What it is made with. */
  recipe?: RecipeUse;
}

export interface BatchPlan {
  /** At least one. */
  rows: BatchRow[];
  priceRows: PriceRow[];
  /** Pictures in all. */
  images: number;
  /** What all rows can cost, in micro-dollars. */
  mostMicros: number;
  byModel: { model: string; rows: number; images: number; costMicros: number }[];
  /** Two axes make a table; null: a list. */
  axes: Axis[] | null;
  /** Absent: nobody else adds prices. */
  pricesSeen?: PricesSeen;
}

export interface BatchTerms {
  /** Null: it is called like its first row. */
  name: string | null;
  limitMicros: number | null;
  stopAtStars: number | null;
  lane: Lane;
  /** Milliseconds since 1970. */
  deadline: number | null;
  fallback: "full price" | null;
}

/** What is set aside when it is accepted, in micro-dollars. */
export function reservedAtFirst(
  { mostMicros }: Pick<BatchPlan, "mostMicros">,
  { limitMicros }: Pick<BatchTerms, "limitMicros">,
): number {
  return Math.min(mostMicros, limitMicros ?? Infinity);
}
