/** Why somebody could not sign in: a closed set, each with words for the sign-in page. */

const words = {
  attempt: "This sign-in took too long, was used before, or was begun in another window. Try again.",
  cancelled: "You did not finish signing in at PROVIDER.",
  no_answer: "PROVIDER does not answer. Try again in a while.",
  untrusted: "The answer from PROVIDER could not be trusted, so nobody was signed in. Try again.",
  unverified: "PROVIDER has not verified your e-mail address. Verify it there, then try again.",
  domain: "Addresses of your domain may not sign in here. Ask whoever runs this server.",
  disabled: "This account is disabled. Ask whoever runs this server.",
} as const;

export type SignInProblemReason = keyof typeof words;

export class SignInProblem extends Error {
  override readonly name = "SignInProblem";

  constructor(readonly reason: SignInProblemReason, options?: ErrorOptions) {
    super(`sign-in failed: ${reason}`, options);
  }
}

/** What the sign-in page says; null for a reason that does not exist. */
export function problemWords(reason: string, providerName = "the provider"): string | null {
  if (!Object.hasOwn(words, reason)) return null;
  const text = words[reason as SignInProblemReason].replace("PROVIDER", () => providerName);
  return text[0].toUpperCase() + text.slice(1);
}
