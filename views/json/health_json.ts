/** For whatever watches the server. */
import { z } from "zod";
import { errorShape } from "./error_json.ts";
import { answer } from "./values.ts";

export const healthAnswer = answer({ status: z.literal("ok") });

export function healthJson(): z.output<typeof healthAnswer> {
  return { success: true, status: "ok" };
}

export const readyAnswer = answer({ status: z.literal("ready") });

export function readyJson(): z.output<typeof readyAnswer> {
  return { success: true, status: "ready" };
}

export const notReadyAnswer = z.strictObject({
  success: z.literal(false),
  /** The parts that do not answer. */
  failing: z.array(z.string()).min(1),
  /** Why, for admins only. */
  detail: z.array(z.strictObject({ part: z.string(), reason: z.string() })).optional(),
  error: errorShape,
});

export function notReadyJson(
  failures: readonly { part: string; reason: string }[],
  { requestId, isForAdmin }: { requestId: string; isForAdmin: boolean },
): z.output<typeof notReadyAnswer> {
  const [{ part, reason }] = failures;
  const message = reason === "stopping" ? "The server is stopping" : `No answer from the ${part}`;
  return {
    success: false,
    failing: failures.map((failure) => failure.part),
    ...(isForAdmin && { detail: failures.map(({ part, reason }) => ({ part, reason })) }),
    error: { message, code: "unavailable", requestId },
  };
}
