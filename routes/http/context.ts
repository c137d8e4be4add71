/** What every route works with: the parts that `main.ts` chose, and who is asking. */
import type { Context } from "hono";
import { type Caller, demandScope } from "../../lib/identity/authenticate.ts";
import type { Scope } from "../../lib/identity/api_key.ts";
import { readBudget } from "../../lib/money/budget.ts";
import type { Blobs } from "../../lib/blobs/blobs.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import type { PresignedFiles } from "../../lib/blobs/configured_blobs.ts";
import type { Callbacks } from "../../lib/catalog/callbacks.ts";
import type { AccountDeletions } from "../../lib/accounts/delete_account.ts";
import type { PriceBook } from "../../lib/catalog/price_book.ts";
import type { ProviderHealth } from "../../lib/catalog/health.ts";
import type { Feed } from "../../lib/live/feed.ts";
import type { IdentityProvider } from "../../lib/identity/identity_provider.ts";
import type { SignInPolicy } from "../../lib/identity/identity.ts";
import type { ImageFiles } from "../../lib/images/image_file.ts";
import type { JsonWebTokens } from "../../lib/identity/json_web_token.ts";
import type { Log } from "../../lib/log.ts";
import type { Passkeys } from "../../lib/identity/passkey.ts";
import type { Portraits } from "../../lib/accounts/portrait.ts";
import type { ViewDeps } from "../../lib/live/prompt_view.ts";
import type { RateLimit } from "../../lib/rate_limit.ts";
import type { RequestDeps } from "../../lib/prompts/request_prompt.ts";
import { isAdmin, type User } from "../../lib/users/user.ts";

export interface AppDeps extends RequestDeps, ViewDeps {
  feed: Feed;
  blobs: Blobs;
  files: ImageFiles;
  /** Where readers of files are sent to their storage itself; null: they get them from here. */
  presigned: PresignedFiles | null;
  callbacks: Callbacks;
  health: ProviderHealth;
  prices: PriceBook;
  log: Log;
  deletions: Pick<AccountDeletions, "request">;
  /** Tells the worker that runs a prompt to look at its record again. */
  nudge: (promptId: string) => void;
  /** The address as users see it, without a slash at its end. */
  publicUrl: string;
  promptMaxChars: number;
  /** Signs the cursors of lists. */
  secret: string;
  limits: {
    requests: RateLimit;
    generate: RateLimit;
    /** By address: ways to sign in that were tried, and keys and tokens that were wrong. */
    signIn: RateLimit;
    wrongCredentials: RateLimit;
  };
  /** Those that are configured. */
  identityProviders: readonly IdentityProvider[];
  signInPolicy: SignInPolicy;
  tokens: JsonWebTokens;
  portraits: Portraits;
  passkeys: Passkeys;
  /** The process was told to stop. */
  isStopping: () => boolean;
}

export interface AppEnv {
  Bindings: {
    /** The IP address of the peer; in tests there may be none. */
    remoteAddress?: string;
  };
  Variables: {
    requestId: string;
    caller: Caller | null;
  };
}

export type AppContext = Context<AppEnv>;

/** Who is asking; refuses with `unauthorized`, or with `forbidden` what the credential does not allow. */
export function callerOf(c: AppContext, needed: Scope = "read"): Caller {
  const { caller } = c.var;
  if (caller === null) throw unauthorized();
  demandScope(caller, needed);
  return caller;
}

/** Who looks at a page that is there for everybody; null: nobody who is signed in. */
export function visitorOf(c: AppContext): User | null {
  return c.var.caller?.user ?? null;
}

export function unauthorized(): Refusal {
  return new Refusal("unauthorized", "Authorization header required");
}

/** Keys, sessions and accounts are managed from a session only; refuses with `forbidden` what else was sent. */
export function sessionOf(c: AppContext): Caller {
  const caller = callerOf(c);
  if (caller.via === "session") return caller;
  throw new Refusal("forbidden", "This is done from a signed-in browser only");
}

/** An admin who asks; for anybody else there is nothing here. */
export function adminOf(c: AppContext): Caller {
  const { caller } = c.var;
  if (caller === null || !isAdmin(caller.user)) throw notFound();
  return caller;
}

/** The same, from a session: what changes accounts. */
export function adminSessionOf(c: AppContext): Caller {
  adminOf(c);
  return sessionOf(c);
}

export function budgetOf(deps: AppDeps, user: User) {
  return readBudget(deps.store, { user, defaultMicros: deps.defaultBudgetMicros });
}

/** htmx asks for a fragment; everybody else gets a page or is sent to one. */
export function wantsFragment(c: AppContext): boolean {
  return c.req.header("HX-Request-Type") === "partial";
}
