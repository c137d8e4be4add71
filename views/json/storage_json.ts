/** How much somebody has stored, and what of it goes. */
import { z } from "zod";
import type { LeavingSum } from "../../lib/images/leaving.ts";
import { answer, iso, timeValue } from "./values.ts";

export const storageAnswer = answer({
  usedBytes: z.int().nonnegative().describe("Of all pictures, as they are shown."),
  limitBytes: z.int().positive().nullable().describe("Null: there is no limit of one's own."),
  retainDays: z.int().positive().nullable().describe(
    "After so many days pictures go that nobody did anything with. Null: none goes.",
  ),
  leaving: z.strictObject({
    pictures: z.int().positive(),
    isMore: z.boolean().describe("There are more, which were not counted."),
    bytes: z.int().nonnegative(),
    firstAt: timeValue.describe("When the first of them goes."),
  }).nullable().describe("What goes within the next 14 days; null: nothing."),
});

export function storageJson(
  { leaving, ...facts }: {
    usedBytes: number;
    limitBytes: number | null;
    retainDays: number | null;
    leaving: LeavingSum | null;
  },
): z.output<typeof storageAnswer> {
  return {
    success: true,
    ...facts,
    leaving: leaving && { ...leaving, firstAt: iso(leaving.firstAt) },
  };
}
