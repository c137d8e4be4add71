/** What every route works with: the parts of Darkroom, and who is asking. */
import type { Context } from "hono";
import type { Darkroom } from "../../lib/darkroom.ts";
import { type Caller, demandScope } from "../../lib/identity/authenticate.ts";
import type { Scope } from "../../lib/identity/api_key.ts";
import { readBudget } from "../../lib/money/budget.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { isAdmin, type User } from "../../lib/users/user.ts";

/** What routes may use of Darkroom; each names what it takes of it. */
export type AppDeps = Omit<Darkroom, "worker" | "start" | "stop">;

export interface AppEnv {
  Bindings: {
    /** The IP address of the peer; in tests there may be none. */
    remoteAddress?: string;
  };
  Variables: {
    requestId: string;
    caller: Caller | null;
    /** An id that was made before anything was read, where clients may send a request again by themselves. */
    arrivedAs?: string;
    /** Of the list that is answered with, where it goes on. */
    nextCursor?: string;
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

export type BudgetDeps = Pick<AppDeps, "store" | "defaultBudgetMicros">;

export function budgetOf({ store, defaultBudgetMicros: defaultMicros }: BudgetDeps, user: User) {
  return readBudget(store, { user, defaultMicros });
}

/** htmx asks for a fragment; everybody else gets a page or is sent to one. */
export function wantsFragment(c: AppContext): boolean {
  return c.req.header("HX-Request-Type") === "partial";
}
