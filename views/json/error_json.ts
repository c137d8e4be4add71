/** A refusal or a bug. */
import { z } from "zod";
import { dollars, dollarsValue } from "./values.ts";

/** `message` is for people, `code` is stable. */
export const errorShape = z.strictObject({
  message: z.string(),
  code: z.string(),
  /** What is left of the budget (`budget_exceeded`). */
  remaining: dollarsValue.optional(),
  requestId: z.string(),
});

export const errorAnswer = z.strictObject({ success: z.literal(false), error: errorShape });

export function errorJson(
  error: { code: string; message: string; requestId: string; remainingMicros?: number | null },
): z.output<typeof errorAnswer> {
  const { code, message, requestId, remainingMicros } = error;
  return {
    success: false,
    error: {
      message,
      code,
      ...(typeof remainingMicros === "number" && { remaining: dollars(remainingMicros) }),
      requestId,
    },
  };
}
