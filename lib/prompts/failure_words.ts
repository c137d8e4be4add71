/** Failures in plain words: what happened, whether it cost money, what to do. */
import { withoutKeys } from "../provider_words.ts";
import type { Failure } from "./prompt.ts";
import type { Charge } from "../money/charge.ts";
import type { FailureReason } from "../catalog/provider.ts";

const words: { [reason in FailureReason]: { happened: string; advice: string } } = {
  content_policy: {
    happened: "the provider refused the prompt",
    advice: "Change the wording and try again.",
  },
  source_refused: {
    happened: "the provider would not take the source picture",
    advice: "Choose another picture, or another model.",
  },
  source_unreachable: {
    happened: "the provider could not fetch the source from this server. Nothing was charged",
    advice: "Try again, or choose a model that is sent its pictures.",
  },
  source_missing: {
    happened: "the picture to be changed could not be read",
    advice: "Try again once storage works, or with another picture.",
  },
  provider_auth: {
    happened: "the provider did not accept this server's key",
    advice: "Ask whoever runs this server to check the key.",
  },
  provider_billing: {
    happened: "the provider's account has no credit left",
    advice: "Ask whoever runs this server to top it up.",
  },
  provider_rejected: {
    happened: "the provider would not take the task",
    advice: "Change the settings or choose another model.",
  },
  provider_failed: { happened: "the provider took the task and failed", advice: "Try again." },
  provider_unavailable: {
    happened: "the provider could not be reached",
    advice: "Try again in a few minutes, or choose another model.",
  },
  rate_limited: { happened: "the provider is too busy for us", advice: "Try again in a few minutes." },
  timeout: {
    happened: "it took longer than this model may take",
    advice: "Try again, or choose another model.",
  },
  bad_result: { happened: "the provider's answer was no usable picture", advice: "Try again." },
  storage_failed: {
    happened: "the picture was made but could not be stored",
    advice: "Try again once storage works.",
  },
  outcome_unknown: {
    happened: "the connection was lost and nobody can say whether the picture was made",
    advice: "Try again if you need the picture; it is never sent twice by itself.",
  },
  cancelled: { happened: "it was cancelled", advice: "Run it again whenever you like." },
};

const maxProviderChars = 300;

/** A failure with the message people see; what the provider said is cut to 300 characters. */
export function failure(reason: FailureReason, said: string | null = null): Failure {
  const heard = said === null ? "" : withoutKeys(said, { chars: maxProviderChars });
  return {
    reason,
    message: `Image generation failed: ${words[reason].happened}`,
    detail: heard === "" ? null : heard,
  };
}

/** What happened, as the end of a sentence. */
export function happenedWords(reason: FailureReason): string {
  return words[reason].happened;
}

/** The same for a reason as it is counted; one that there is no more stands for itself. */
export function countedWords(reason: string): string {
  return Object.hasOwn(words, reason) ? happenedWords(reason as FailureReason) : reason;
}

export function adviceFor(reason: FailureReason): string {
  return words[reason].advice;
}

/** Whether a failed or cancelled prompt cost money, in one sentence. */
export function costWords(charge: Charge | null): string {
  if (charge === null) return "What it cost is not known yet.";
  if (charge.basis === "unknown") return "It may have been billed, so its price is booked.";
  return charge.costMicros === 0 ? "It cost nothing." : "The provider bills it all the same.";
}

/** What is left when a prompt failed in part. */
export function missingWords({ wanted, made }: { wanted: number; made: number }): string {
  return `${wanted - made} of ${wanted} pictures are missing`;
}
