/** What admins send about money and machines. */
import { z } from "zod";
import { lanes } from "../../lib/prompts/quote.ts";
import { dollarText } from "../../lib/money/dollars.ts";
import type { ServerPause } from "../../lib/prompts/pause_queue.ts";
import { Refusal } from "../../lib/refusal.ts";

const amount = dollarText("An amount is dollars such as 0.02 or 12.50", { mostDigits: 6 });
const noteWords = "Say in a few words how you know";
const maxNoteChars = 200;

/** What the provider billed in truth for a charge in doubt. */
export const correctionForm = z.object({
  billed: amount,
  note: z.string(noteWords).trim().min(1, noteWords).max(maxNoteChars, noteWords),
});

/** A row for the price book. Which models, sizes and days there are is known to `addPrice`. */
export const priceForm = z.object({
  model: z.string().default(""),
  size: z.string().default(""),
  cost: amount,
  /** ISO date (UTC). */
  validFrom: z.string().default(""),
  lane: z.enum(lanes, "A lane is now or economy").default("now"),
});

const reasonWords = "Say in a few words why: everybody reads it";
const maxReasonChars = 200;
const pausedWords = "paused must be true or false";
const reason = z.string(reasonWords).trim()
  .max(maxReasonChars, `reason takes at most ${maxReasonChars} characters`)
  .refine(isOneCleanLine, "reason must not contain line breaks, control characters or broken Unicode");

function isOneCleanLine(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** What is paused or goes on: a provider by its id, or everything. Whether there is a reason is known to `readPause`. */
export const pauseInput = z.strictObject({
  paused: z.boolean(pausedWords),
  provider: z.string("provider must be the id of a provider").nullish(),
  reason: reason.nullish(),
});

/** The same from a form; everything is sent. */
export const pauseForm = z.object({
  paused: z.enum(["true", "false"], pausedWords).transform((text) => text === "true"),
  provider: z.string().default(""),
  reason: reason.default(""),
});

/** Refuses with `invalid_request` a pause without a reason, and a provider that there is not. */
export function readPause(
  { paused: isPaused, provider, reason }: z.output<typeof pauseInput> | z.output<typeof pauseForm>,
  { providers }: { providers: readonly { id: string }[] },
): ServerPause {
  const providerId = provider || null;
  if (providerId !== null && !providers.some(({ id }) => id === providerId)) {
    const known = providers.map(({ id }) => id).join(", ");
    throw new Refusal("invalid_request", `Unknown provider. Known: ${known}`, { field: "provider" });
  }
  if (isPaused && !reason) throw new Refusal("invalid_request", reasonWords, { field: "reason" });
  return { isPaused, providerId, reason: isPaused ? reason! : null };
}
