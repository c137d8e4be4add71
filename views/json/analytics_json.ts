/** What was booked by day, person and model, and in all. */
import { z } from "zod";
import type { Numbers } from "../../lib/statistics/analytics.ts";
import { csvLine } from "../shell/csv.ts";
import { answer, durationValue, idValue, microsValue } from "./values.ts";

const countValue = z.int().nonnegative();

const numbersShape = z.strictObject({
  prompts: countValue,
  completed: countValue,
  failed: countValue,
  images: countValue,
  costMicros: microsValue,
  lostMicros: microsValue,
  failures: z.record(z.string(), countValue).describe("How many failed, by reason."),
  p50Ms: durationValue.nullable(),
  p95Ms: durationValue.nullable(),
});

export const analyticsRowShape = z.strictObject({
  day: z.iso.date(),
  userId: idValue.nullable().describe("Null: accounts that are deleted, together."),
  model: z.string(),
  ...numbersShape.shape,
}).meta({ id: "AnalyticsRow", description: "What was booked on a day, of a person and a model." });

export const analyticsAnswer = answer({ days: z.array(analyticsRowShape), total: numbersShape });

export interface AnalyticsRow {
  day: string;
  userId: string | null;
  model: string;
  numbers: Numbers;
}

export function analyticsJson(
  { rows, total }: { rows: readonly AnalyticsRow[]; total: Numbers },
): z.output<typeof analyticsAnswer> {
  return { success: true, days: rows.map(analyticsRowJson), total: numbersJson(total) };
}

export function analyticsRowJson({ day, userId, model, numbers }: AnalyticsRow) {
  return { day, userId, model, ...numbersJson(numbers) };
}

function numbersJson(numbers: Numbers): z.output<typeof numbersShape> {
  const { prompts, completed, failed, images, costMicros, lostMicros, failures, p50Ms, p95Ms } = numbers;
  return { prompts, completed, failed, images, costMicros, lostMicros, failures, p50Ms, p95Ms };
}

const columns = Object.keys(analyticsRowShape.shape) as (keyof z.output<typeof analyticsRowShape>)[];

export const analyticsHeading = csvLine(columns);

/** The reasons of failures as JSON; what there is not is empty. */
export function analyticsLine(row: AnalyticsRow): string {
  const json = analyticsRowJson(row);
  return csvLine(columns.map((name) => {
    const value = json[name];
    return typeof value === "object" && value !== null ? JSON.stringify(value) : value ?? "";
  }));
}
