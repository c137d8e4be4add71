/** A refusal or a bug. */
import { z } from "zod";
import type { RowProblem } from "../../lib/refusal.ts";
import { dollars, dollarsValue } from "./values.ts";

/** `message` is for people, `code` is stable. */
export const errorShape = z.strictObject({
  message: z.string(),
  code: z.string(),
  remaining: dollarsValue.optional().describe("What is left of the budget (`budget_exceeded`)."),
  problems: z.array(z.strictObject({
    row: z.int().min(1),
    field: z.string().nullable(),
    message: z.string(),
  })).optional().describe("Of many rows that were sent together, those that can't be, up to twenty."),
  requestId: z.string(),
}).meta({ id: "ErrorDetail" });

export const errorAnswer = z.strictObject({ success: z.literal(false), error: errorShape }).meta({
  id: "Error",
  description: "A refusal or a fault: `message` is for people, `code` is stable.",
});

export function errorJson(
  error: {
    code: string;
    message: string;
    requestId: string;
    remainingMicros?: number | null;
    problems?: readonly RowProblem[];
  },
): z.output<typeof errorAnswer> {
  const { code, message, requestId, remainingMicros, problems = [] } = error;
  return {
    success: false,
    error: {
      message,
      code,
      ...(typeof remainingMicros === "number" && { remaining: dollars(remainingMicros) }),
      ...(problems.length > 0 && { problems: [...problems] }),
      requestId,
    },
  };
}
