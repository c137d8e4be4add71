/** Short-lived tokens for programs, and the keys to check them with. */
import { Hono } from "hono";
import { z } from "zod";
import { invalidToken } from "../../lib/identity/authenticate.ts";
import { sha256 } from "../../lib/digest.ts";
import { Refusal } from "../../lib/refusal.ts";
import { signInWithProfile } from "../../lib/identity/identity.ts";
import type { TokenSource } from "../../lib/identity/json_web_token.ts";
import { problemWords, SignInProblem } from "../../lib/identity/sign_in_problem.ts";
import { tokenJson } from "../../views/json/token_json.ts";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readOptionalFields } from "../http/input.ts";

const maxIdTokenChars = 16 * 1024;

const idTokenWords = "idToken takes an ID token from Google";

export const tokenInput = z.strictObject({
  idToken: z.string(idTokenWords).min(1, idTokenWords).max(maxIdTokenChars, idTokenWords).optional()
    .describe("An ID token from Google, instead of a credential of Darkroom's."),
});

type TokenDeps = Pick<
  AppDeps,
  "store" | "accessTokens" | "limits" | "publicUrl" | "identityProviders" | "signInPolicy"
>;

/** Public: whoever checks a token has no credential of their own. */
export function tokenKeyRoutes({ accessTokens }: Pick<AppDeps, "accessTokens">) {
  return new Hono<AppEnv>()
    .get("/.well-known/jwks.json", async (c) => {
      c.header("Cache-Control", "public, max-age=300");
      return c.json(await accessTokens.publishedKeys());
    });
}

export function tokenRoutes(deps: TokenDeps) {
  return new Hono<AppEnv>()
    .post("/api/v1/auth/token", async (c) => {
      const { idToken } = await readOptionalFields(c, tokenInput);
      const source = idToken === undefined ? sourceOf(c) : await exchange(c, idToken);
      const issued = await deps.accessTokens.issue(source);
      if (issued === null) throw invalidToken();
      return c.json(tokenJson(issued));
    });

  /** What the caller sent itself. A token makes no other: it would outlive what it came from. */
  function sourceOf(c: AppContext): TokenSource {
    const { via, ...caller } = callerOf(c);
    if (via !== "token") return { via, ...caller };
    throw new Refusal("forbidden", "A token is made from a session or an API key, not from another token");
  }

  async function exchange(c: AppContext, idToken: string): Promise<TokenSource> {
    if (c.var.caller !== null) {
      throw new Refusal("invalid_request", "Send either idToken or a credential, not both");
    }
    deps.limits.signIn.take(clientAddress(c, deps));
    const google = deps.identityProviders.find(({ id }) => id === "google");
    if (google === undefined) throw invalidToken();
    try {
      const { profile, expiresAt } = await google.readIdToken(idToken);
      const user = await signInWithProfile(deps.store, { profile, policy: deps.signInPolicy });
      return { user, scope: "all", via: "id_token", credentialId: sha256(idToken), expiresAt };
    } catch (error) {
      throw error instanceof SignInProblem ? refusalOf(error) : error;
    }
  }
}

function refusalOf({ reason }: SignInProblem): Refusal {
  const words = problemWords(reason, "Google")!;
  if (reason === "no_answer") return new Refusal("unavailable", words, { retryAfterSeconds: 30 });
  const isKnown = reason === "domain" || reason === "unverified" || reason === "disabled";
  return isKnown ? new Refusal("forbidden", words) : invalidToken();
}
