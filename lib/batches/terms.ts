/** The terms of a batch as programs send them: its name, and what it may cost, bring and take at most. */
import { z } from "zod";
import { dollarAmount } from "../money/dollars.ts";
import { Refusal } from "../refusal.ts";
import type { BatchTerms } from "./plan.ts";

export const mostNameChars = 80;
const nameWords = `name must be text of at most ${mostNameChars} characters`;
const starsWords = "stopAtStars must be a whole number from 1 on";
const deadlineWords = "deadline must be a time such as 2026-12-01T08:00:00Z";
const limitWords = "limit must be an amount of dollars such as 4.80";

/** Text that survives every encoding. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

export const termFields = {
  name: z.string({ error: nameWords }).max(mostNameChars, nameWords).refine(isCleanText, nameWords)
    .optional(),
  limit: dollarAmount(limitWords).optional().describe(
    "The most that all of it may cost, in dollars, to the millionth; left out: what it can cost.",
  ),
  stopAtStars: z.int({ error: starsWords }).min(1, starsWords).optional().describe(
    "It stops when so many of its pictures have a star.",
  ),
  lane: z.enum(["now", "economy"], { error: "lane takes now or economy" }).optional()
    .describe("`economy`: for less, within a day or two, where the model has it."),
  deadline: z.iso.datetime({ error: deadlineWords, offset: true }).optional().describe("A time to come."),
  fallback: z.literal("full price", { error: 'fallback takes "full price"' }).optional().describe(
    "What the economy lane does not bring in time is made at the full price.",
  ),
  boardId: z.string({ error: "boardId must be the id of a board" }).optional().describe(
    "The board that the pictures are put on.",
  ),
};

/** `limit` in micro-dollars, as it was read. */
export type TermsInput = z.output<z.ZodObject<typeof termFields>>;

/** Refuses with `invalid_request` a time that is over. */
export function termsOf(input: TermsInput, { now }: { now: number }): BatchTerms {
  const deadline = input.deadline === undefined ? null : Date.parse(input.deadline);
  if (deadline !== null && deadline <= now) {
    throw new Refusal("invalid_request", "deadline must be a time to come", { field: "deadline" });
  }
  return {
    name: input.name?.trim() || null,
    limitMicros: input.limit ?? null,
    stopAtStars: input.stopAtStars ?? null,
    lane: input.lane ?? "now",
    deadline,
    fallback: input.fallback ?? null,
  };
}

/** The same as somebody fills them in: text, not checked yet. */
export interface TermsForm {
  name: string;
  /** Dollars. */
  limit: string;
  stopAtStars: string;
  lane: string;
  deadline: string;
  fallback: string;
  boardId: string;
}

export const noTerms: TermsForm = {
  name: "",
  limit: "",
  stopAtStars: "",
  lane: "",
  deadline: "",
  fallback: "",
  boardId: "",
};
