/** What adapters share about the pictures that a task is given: naming them on the wire, and hearing of trouble with them. */
import {
  type FailureOutcome,
  ProviderFailure,
  type SentPicture,
  type TaskEdit,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { FormFile } from "../multipart.ts";

const extensions: { [type in SentPicture["contentType"]]: string } = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

export function isGivenPictures({ taskType, edit }: Pick<TaskRequest, "taskType" | "edit">): boolean {
  return edit !== undefined || taskType !== "TEXT_TO_IMAGE";
}

/** The pictures as files of a form, under names that tell nothing. */
export function sourceFiles({ sources }: Pick<TaskEdit, "sources">): FormFile[] {
  return sources.map(({ bytes, contentType }, index) => ({
    bytes,
    contentType,
    name: `image-${index + 1}.${extensions[contentType]}`,
  }));
}

export function maskFile(bytes: Uint8Array): FormFile {
  return { bytes, contentType: "image/png", name: "mask.png" };
}

/** The picture that is changed, if there is one, and what is given beside it. */
export function partsOf(
  { sources }: Pick<TaskEdit, "sources">,
): { base: SentPicture | null; others: SentPicture[] } {
  const base = sources.find(({ role }) => role === "base") ?? null;
  return { base, others: sources.filter((source) => source !== base) };
}

const noun = String
  .raw`(?<![\w-])(?:(?:input|init|ref|source|mask)[_ ])?(?:image|picture|mask|photo|imageurl)s?(?![\w-])`;
const trouble = String
  .raw`unsupported|not supported|not allowed|invalid|too (?:large|big|small|many)|exceed|corrupt|decod|pars|process|read|open|format|mime|dimension|policy|safety|violat|reject|refus|must (?:be|have|match)|required|missing`;
const refusals = new RegExp(`${noun}[^.!?]{0,80}(?:${trouble})|(?:${trouble})[^.!?]{0,80}${noun}`, "i");
const address = String.raw`(?<![\w-])(?:image|picture|photo|file|media|source|imageurl|url)s?(?![\w-])`;
const fetching = String.raw`fetch|download|access|reach|retriev|load|inaccessible|resolve|time[ds]? ?out`;
const unreachables = new RegExp(
  `(?:${fetching})[^!?]{0,80}${address}|${address}[^!?]{0,80}(?:${fetching})`,
  "i",
);

/** These are about the picture that was to be made. */
const ofResult = /\b(generat\w*|results?|outputs?|created)\b/i;

/**
 * The failure that a provider's words stand for where it says of a task that it would not take: the pictures that it
 * was given were no good to it, or, for one that fetches them, could not be fetched. Null where they say neither.
 */
export function sourceFailure(
  task: TaskRequest,
  { said, outcome, isFetching = false }: {
    said: string | null;
    outcome: Extract<FailureOutcome, "not_created" | "failed">;
    /** It fetches the pictures itself. */
    isFetching?: boolean;
  },
): ProviderFailure | null {
  if (!isGivenPictures(task) || said === null || ofResult.test(said)) return null;
  if (isFetching && unreachables.test(said)) return sourceUnreachable({ said, outcome });
  return refusals.test(said) ? sourceRefused({ said, outcome }) : null;
}

export function sourceRefused(
  details: { said: string | null; outcome: Extract<FailureOutcome, "not_created" | "failed"> },
): ProviderFailure {
  return new ProviderFailure("source_refused", "it would not take a picture that it was given", details);
}

export function sourceUnreachable(
  details: { said: string | null; outcome: Extract<FailureOutcome, "not_created" | "failed"> },
): ProviderFailure {
  return new ProviderFailure("source_unreachable", "it could not fetch a picture", details);
}
