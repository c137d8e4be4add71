/** The refusals that the description names: by status, with the codes that come with it and what they mean. */
import type { RefusalCode } from "../../lib/refusal.ts";
import { faces } from "../http/openai_problem.ts";
import { statuses } from "../http/problem.tsx";

export interface RefusalStatus {
  status: number;
  /** As a component of the document is called. */
  name: string;
  words: string;
  /** By code, in words. */
  codes: { [code: string]: string };
}

const names: { [status: number]: [name: string, words: string] } = {
  400: ["BadRequest", "It can't be done as it is asked for."],
  401: ["Unauthorized", "No credential, or not a good one."],
  402: ["PaymentRequired", "The budget does not cover it. Nothing happened."],
  403: ["Forbidden", "Signed in, and not allowed."],
  404: ["NotFound", "It is not there, or not for whoever asks: these can't be told apart."],
  409: ["Conflict", "It stands against what is there."],
  412: ["PreconditionFailed", "The condition of the request does not hold."],
  413: ["TooLarge", "More than is taken."],
  415: ["UnsupportedMediaType", "The body is of a type that is not taken here."],
  416: ["RangeNotSatisfiable", "The file has no such part."],
  422: ["Unprocessable", "Understood, and not possible."],
  429: ["TooManyRequests", "Too much in a minute."],
  500: ["Internal", "A fault of the server's."],
  503: [
    "Unavailable",
    "Database or pictures do not answer, or the disk is nearly full. Nothing was accepted.",
  ],
  507: ["StorageFull", "There is as much stored as there may be. Nothing was accepted."],
};

const words: { [code in RefusalCode]: string } = {
  invalid_request: "Broken JSON, an unknown field (named), a field of the wrong kind or out of its range.",
  invalid_prompt: "No words, too many, or what no text has.",
  invalid_image_size: "None of the model's sizes, which are listed.",
  invalid_model: "No such model; those there are, are listed.",
  unsupported_option: "A field that the chosen model lacks (named).",
  unauthorized: "No credential was sent.",
  invalid_token: "The credential is unknown, has expired or was revoked.",
  budget_exceeded: "More than is left of the month's budget.",
  storage_full: "The person has as many bytes of pictures as they may have: some have to be deleted first.",
  forbidden: "The key's scope, or the person's role, does not reach so far; or another site's page asks.",
  not_found: "Missing, somebody else's, or not a possible id.",
  conflict: "What is there has changed, has ended, or there is as much as there may be.",
  too_large: "A body, a picture or a list beyond its limit, which is named.",
  unsupported_media_type: "Say in `Content-Type` what the body is.",
  idempotency_mismatch: "The `Idempotency-Key` was sent with another body before.",
  rate_limited: "`Retry-After` says when to go on.",
  unavailable: "`Retry-After` says when to try again.",
};

const codes = Object.keys(words) as RefusalCode[];

/** Those of Darkroom's own API. */
export function ownRefusals(): RefusalStatus[] {
  return byStatus((status) => {
    const own = codes.filter((code) => statuses[code] === status).map((code) => [code, words[code]]);
    if (status === 412 || status === 416) own.push(["invalid_request", names[status][1]]);
    if (status === 422) {
      own.push(["invalid_request", "A file that can't be used: broken, moving, or no picture."]);
    }
    if (status === 500) own.push(["internal", "Logged with the request's id, and told nobody else."]);
    return Object.fromEntries(own);
  });
}

/** Those in the words of OpenAI's API. */
export function openAiRefusals(): RefusalStatus[] {
  return byStatus((status) => {
    const known = codes.filter((code) => faces[code].status === status);
    const told = known.map((code) => [faces[code].code, words[code]]);
    if (status === 400) told.push(...endedWithout);
    if (status === 500) told.push(["internal", "Logged with the request's id, and told nobody else."]);
    if (status === 503) {
      told.push(["still_running", "The server stops; sent again, the request finds its prompt."]);
    }
    // One code may stand for several of ours; the first says enough.
    return Object.fromEntries(told.toReversed());
  });
}

/** Why there are no pictures, although the prompt was accepted: clients would repeat what ends with a 5xx. */
const endedWithout = [
  ["moderation_blocked", "The provider refused the prompt."],
  ["provider_failed", "Or another reason why a prompt brought nothing (FailureReason)."],
  ["still_running", "The wait is over, and the prompt goes on."],
  ["deleted", "The pictures were made, and have been deleted since."],
];

function byStatus(codesOf: (status: number) => RefusalStatus["codes"]): RefusalStatus[] {
  return Object.entries(names).map(([text, [name, words]]) => {
    const status = Number(text);
    return { status, name, words, codes: codesOf(status) };
  }).filter(({ codes }) => Object.keys(codes).length > 0);
}
