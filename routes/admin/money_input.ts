/** What admins send about money. */
import { z } from "zod";
import { lanes } from "../../lib/prompts/quote.ts";
import { dollarText } from "../../lib/money/dollars.ts";

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
