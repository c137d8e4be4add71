/**
 * A publication: one picture of somebody's in the public gallery, with a title. Its states and what leads from one to
 * another are pure functions here, so that what is seen by whom can be read in one place: SHOWN is seen by anybody, the
 * others by its author and by moderators, and WITHDRAWN, from which nothing leads away, by its author alone. No text is
 * seen by anybody that a moderator was to look at first.
 */
import { z } from "zod";
import { notFound, Refusal } from "../refusal.ts";

/** Who may publish, and whether a moderator looks first. */
export type GalleryMode = "off" | "review" | "open";

export const publicationStates = ["PENDING", "SHOWN", "REFUSED", "HIDDEN", "WITHDRAWN"] as const;
export type PublicationState = (typeof publicationStates)[number];

/** What a moderator may make of one. */
export const decidedStates = ["SHOWN", "REFUSED", "HIDDEN"] as const;
export type DecidedState = (typeof decidedStates)[number];

export interface Publication extends PublicationTexts {
  id: string;
  authorId: string;
  imageId: string;
  /** Its number among all; a higher one is a later one. */
  sequence: number;
  /** Its place among those that are shown; null as long as it never was. */
  shownNumber: number | null;
  state: PublicationState;
  /** Counts what a moderator would have to look at anew, so that nobody decides about what they have not seen. */
  revision: number;
  /** A moderator has once decided against it or changed it: from then on one looks at every new text of it. */
  isWatched: boolean;
  /** What a moderator said last; who that was is in the history. */
  decision: { state: DecidedState; reason: string | null; at: number } | null;
  /** Reports that no moderator has looked at. */
  openReports: number;
  /** The members who made them, as far as they are counted. */
  reporterIds: string[];
  /** Why it is HIDDEN: reports did it, and no moderator. */
  isHiddenByReports: boolean;
  /** There is one; it is open until a moderator has decided. */
  appeal: { text: string; at: number; isOpen: boolean } | null;
  createdAt: number;
  updatedAt: number;
}

/** What its author says of it. */
export interface PublicationTexts {
  title: string;
  showPrompt: boolean;
  allowRemix: boolean;
  isSensitive: boolean;
}

export const reportReasons = [
  "illegal",
  "minors",
  "non_consensual",
  "hate",
  "rights",
  "spam",
  "other",
] as const;
export type ReportReason = (typeof reportReasons)[number];

/** As many members as hide a publication until a moderator has looked at it. */
export const membersToHide = 3;

const mostTitleChars = 120;
const mostTextChars = 1000;

const titleWords = `title must be 1 to ${mostTitleChars} characters`;
const flag = (name: string) => z.boolean({ error: `${name} must be true or false` });

/** Controls, and what turns the direction of what stands beside it: a title stands within others' sentences. */
const unfit = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const seen = /[\p{L}\p{N}\p{P}\p{S}]/u;

const titleValue = z.string({ error: titleWords }).trim()
  .refine((text) => seen.test(text) && Array.from(text).length <= mostTitleChars, titleWords)
  .refine(
    (text) => text.isWellFormed() && !unfit.test(text),
    "title must not contain line breaks, control characters or broken Unicode",
  ).describe(`1 to ${mostTitleChars} characters on one line.`);

/** Text of several lines; empty counts as none. */
function textValue(name: string) {
  return z.string({ error: `${name} must be text` }).transform((text) => text.replaceAll("\r\n", "\n").trim())
    .refine(
      (text) => Array.from(text).length <= mostTextChars,
      `${name} must be at most ${mostTextChars} characters`,
    )
    .refine(
      (text) => text.isWellFormed() && !/[^\P{Cc}\t\n]/u.test(text),
      `${name} must not contain control characters or broken Unicode`,
    ).describe(`At most ${mostTextChars} characters.`);
}

const idWords = "imageId must be the id of a picture";

export const newPublicationInput = z.strictObject({
  imageId: z.string({ error: idWords }),
  title: titleValue,
  showPrompt: flag("showPrompt").default(false),
  allowRemix: flag("allowRemix").default(false),
  sensitive: flag("sensitive").default(false).describe("Covered until somebody opens it."),
  hasRight: flag("hasRight").default(false).describe(
    "The caller has the right to publish it: needed for what they uploaded, and for what was made of that.",
  ),
});

/** What is left out stays as it is. */
export const publicationChanges = z.strictObject({
  title: titleValue.optional(),
  showPrompt: flag("showPrompt").optional(),
  allowRemix: flag("allowRemix").optional(),
  sensitive: flag("sensitive").optional(),
});
export type PublicationChanges = z.output<typeof publicationChanges>;

export const appealInput = z.strictObject({
  text: textValue("text").refine((text) => text !== "", "Say why it should be shown"),
});

export const reportInput = z.strictObject({
  reason: z.enum(reportReasons, { error: `reason must be one of ${reportReasons.join(", ")}` }),
  text: textValue("text").nullish().transform((text) => text ?? ""),
});

export const decisionInput = z.strictObject({
  state: z.enum(decidedStates, { error: `state must be one of ${decidedStates.join(", ")}` }),
  reason: textValue("reason").nullish().transform((text) => text || null),
  title: titleValue.optional(),
  sensitive: flag("sensitive").optional(),
  revision: z.int({ error: "revision must be the number that the publication had" }).optional().describe(
    "What the moderator has looked at; left out: whatever it is now.",
  ),
});

/** With `state` null a moderator changes it without deciding: what is to be looked at stays to be looked at. */
export type Decision = Omit<z.output<typeof decisionInput>, "state"> & { state: DecidedState | null };

type NewPublication =
  & Pick<Publication, "id" | "authorId" | "imageId" | "sequence" | "shownNumber" | "isWatched">
  & PublicationTexts;

/** The state that a new one has: in review, or where an earlier one was refused, a moderator looks first. */
export function firstState({ mode, isWatched }: { mode: GalleryMode; isWatched: boolean }): PublicationState {
  return mode === "open" && !isWatched ? "SHOWN" : "PENDING";
}

export function newPublication(
  facts: NewPublication,
  { mode, at }: { mode: GalleryMode; at: number },
): Publication {
  return {
    ...facts,
    state: firstState({ mode, isWatched: facts.isWatched }),
    revision: 1,
    decision: null,
    openReports: 0,
    reporterIds: [],
    isHiddenByReports: false,
    appeal: null,
    createdAt: at,
    updatedAt: at,
  };
}

/**
 * What its author says anew. New words, a prompt that was not shown, or a picture that is said to be no more sensitive
 * are looked at like a new publication; until then nobody else sees anything of it.
 */
export function changed(
  before: Publication,
  { sensitive, ...changes }: PublicationChanges,
  { mode, at }: { mode: GalleryMode; at: number },
): Publication {
  demandThere(before);
  const texts: PublicationTexts = {
    title: changes.title ?? before.title,
    showPrompt: changes.showPrompt ?? before.showPrompt,
    allowRemix: changes.allowRemix ?? before.allowRemix,
    isSensitive: sensitive ?? before.isSensitive,
  };
  const after: Publication = { ...before, ...texts, updatedAt: at };
  if (!needsLook(before, texts)) return after;
  const staysShown = mode === "open" && !before.isWatched && before.state === "SHOWN";
  return {
    ...after,
    revision: before.revision + 1,
    state: staysShown ? "SHOWN" : "PENDING",
    isHiddenByReports: false,
  };
}

function needsLook(before: PublicationTexts, after: PublicationTexts): boolean {
  return after.title !== before.title || (after.showPrompt && !before.showPrompt) ||
    (before.isSensitive && !after.isSensitive);
}

/** For good, and whatever it was. */
export function withdrawn(before: Publication, { at }: { at: number }): Publication {
  return {
    ...before,
    state: "WITHDRAWN",
    openReports: 0,
    reporterIds: [],
    isHiddenByReports: false,
    appeal: before.appeal && { ...before.appeal, isOpen: false },
    updatedAt: at,
  };
}

/** Once, against what a moderator or reports have done. */
export function appealed(
  before: Publication,
  { text, at }: { text: string; at: number },
): Publication {
  demandThere(before);
  if (before.state !== "REFUSED" && before.state !== "HIDDEN") {
    throw new Refusal("conflict", "Only what was refused or hidden can be appealed against");
  }
  if (before.appeal !== null) throw new Refusal("conflict", "There was an appeal already, and there is one");
  return { ...before, appeal: { text, at, isOpen: true }, updatedAt: at };
}

/** Somebody reports what is shown. `reporterId` null: nobody who is signed in, which only `minors` makes count. */
export function reported(
  before: Publication,
  { reason, reporterId, at }: { reason: ReportReason; reporterId: string | null; at: number },
): Publication {
  if (before.state !== "SHOWN") throw notFound();
  const counts = reporterId !== null && reporterId !== before.authorId &&
    !before.reporterIds.includes(reporterId);
  const reporterIds = counts ? [...before.reporterIds, reporterId] : before.reporterIds;
  const hides = reason === "minors" || reporterIds.length >= membersToHide;
  return {
    ...before,
    openReports: before.openReports + 1,
    reporterIds,
    ...(hides && { state: "HIDDEN", isHiddenByReports: true }),
    updatedAt: at,
  };
}

/** A moderator has looked at all that there is: reports and an appeal are dealt with. */
export function decided(
  before: Publication,
  { state, reason, title, sensitive, revision }: Decision,
  { at }: { at: number },
): Publication {
  demandThere(before);
  if (revision !== undefined && revision !== before.revision) {
    throw new Refusal("conflict", "It was changed meanwhile: look at it again");
  }
  if (state !== null && state !== "SHOWN" && reason === null) {
    throw new Refusal("invalid_request", "Say why, for its author", { field: "reason" });
  }
  const texts = { title: title ?? before.title, isSensitive: sensitive ?? before.isSensitive };
  const isChanged = texts.title !== before.title || (texts.isSensitive && !before.isSensitive);
  const isAgainst = isChanged || (state !== null && state !== "SHOWN");
  const after = { ...before, ...texts, isWatched: before.isWatched || isAgainst, updatedAt: at };
  if (state === null) return after;
  return {
    ...after,
    state,
    decision: { state, reason, at },
    openReports: 0,
    reporterIds: [],
    isHiddenByReports: false,
    appeal: before.appeal && { ...before.appeal, isOpen: false },
  };
}

function demandThere({ state }: Publication): void {
  if (state === "WITHDRAWN") throw new Refusal("conflict", "It was withdrawn");
}

/** Whether a moderator has something to look at. */
export function isWaiting({ state, openReports, appeal }: Publication): boolean {
  return state === "PENDING" || openReports > 0 || (appeal?.isOpen ?? false);
}
