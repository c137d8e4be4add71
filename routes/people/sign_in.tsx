/** Signing in by a link or through a provider, and signing out. */
import { Hono } from "hono";
import { getCookie } from "hono/cookie";
import { cutText } from "../../lib/graphemes.ts";
import { notFound } from "../../lib/refusal.ts";
import { signInWithProfile } from "../../lib/identity/identity.ts";
import type { IdentityProvider } from "../../lib/identity/identity_provider.ts";
import { useLoginCode } from "../../lib/identity/login_code.ts";
import { beginAttempt, secretsOf, takeAttempt } from "../../lib/identity/sign_in_attempt.ts";
import { problemWords, SignInProblem } from "../../lib/identity/sign_in_problem.ts";
import { LoginPage } from "../../views/people/login_page.tsx";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, type AppEnv, visitorOf } from "../http/context.ts";
import { endOwnSession, startOwnSession } from "../http/own_session.ts";
import { loginPath, ownPath } from "../http/return_path.ts";
import { attemptCookie, forgetPerson } from "../http/session_cookie.ts";

type SignInDeps = Pick<
  AppDeps,
  | "store"
  | "identityProviders"
  | "signInPolicy"
  | "portraits"
  | "passkeys"
  | "limits"
  | "log"
  | "publicUrl"
>;

export function signInRoutes(deps: SignInDeps) {
  const { store, publicUrl, identityProviders, limits } = deps;

  return new Hono<AppEnv>()
    .get("/login", async (c) => {
      const returnTo = ownPath(c.req.query("return_to"));
      const code = c.req.query("code");
      // A preview of the link asks with HEAD, and uses nothing up.
      if (code === undefined || c.req.method === "HEAD") {
        return showLogin(c, { returnTo, problem: problemOf(c) });
      }
      limits.signIn.take(clientAddress(c, deps));
      const userId = await useLoginCode(store, code);
      if (userId === null) {
        return showLogin(c, {
          returnTo,
          problem: "This link was used before, is too old, or is not complete.",
          status: 401,
        });
      }
      await startOwnSession(c, deps, { userId });
      return c.redirect(returnTo, 303);
    })
    .get("/login/:provider", async (c) => {
      const provider = findProvider(c.req.param("provider"));
      limits.signIn.take(clientAddress(c, deps));
      const returnTo = ownPath(c.req.query("return_to"));
      return await orLogin(c, { provider, returnTo }, async () => {
        const token = await beginAttempt(store, { providerId: provider.id, returnTo });
        const address = await provider.authorizationUrl(secretsOf(token));
        attemptCookie.set(c, publicUrl, token);
        return c.redirect(address.href, 303);
      });
    })
    .get("/login/:provider/callback", async (c) => {
      const provider = findProvider(c.req.param("provider"));
      limits.signIn.take(clientAddress(c, deps));
      const token = getCookie(c, attemptCookie.name(publicUrl)) ?? "";
      attemptCookie.clear(c, publicUrl);
      const attempt = await takeAttempt(store, { token, providerId: provider.id });
      const returnTo = attempt?.returnTo ?? "/generator";
      return await orLogin(c, { provider, returnTo }, async () => {
        if (attempt === null) throw new SignInProblem("attempt");
        const query = new URL(c.req.url).searchParams;
        const profile = await provider.redeem(query, secretsOf(token));
        const user = await signInWithProfile(store, { profile, policy: deps.signInPolicy });
        await startOwnSession(c, deps, { userId: user.id });
        const { picture: address, issuer } = profile;
        if (address !== null) {
          void deps.portraits.adopt(user.id, { address, ownOrigin: new URL(issuer).origin });
        }
        return c.redirect(returnTo, 303);
      });
    })
    .post("/logout", async (c) => {
      await endOwnSession(c, deps);
      forgetPerson(c, publicUrl);
      return c.redirect("/login", 303);
    });

  function findProvider(id: string): IdentityProvider {
    const provider = identityProviders.find((each) => each.id === id);
    if (provider === undefined) throw notFound();
    return provider;
  }

  function showLogin(
    c: AppContext,
    { returnTo, problem, status = 200 }: { returnTo: string; problem: string | null; status?: 200 | 401 },
  ) {
    const ways = identityProviders.map(({ id, name }) => ({ name, path: wayPath(id, returnTo) }));
    const shown = { user: visitorOf(c), ways, hasPasskeys: deps.passkeys.isAvailable, returnTo, problem };
    return c.html(<LoginPage {...shown} />, status);
  }

  function problemOf(c: AppContext): string | null {
    const provider = identityProviders.find(({ id }) => id === c.req.query("provider"));
    return problemWords(c.req.query("problem") ?? "", provider?.name);
  }

  /** What went wrong is said on the sign-in page, from where the person can try again. */
  async function orLogin(
    c: AppContext,
    { provider, returnTo }: { provider: IdentityProvider; returnTo: string },
    work: () => Promise<Response>,
  ): Promise<Response> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SignInProblem)) throw error;
      const { reason, cause } = error;
      const why = cutText(causesOf(cause).join(": "), { chars: 300 }) || undefined;
      deps.log("warn", "sign_in_failed", {
        requestId: c.var.requestId,
        provider: provider.id,
        reason,
        why,
      });
      return c.redirect(loginPath(returnTo, { problem: reason, provider: provider.id }), 303);
    }
  }
}

function wayPath(providerId: string, returnTo: string): string {
  return `/login/${providerId}?${new URLSearchParams({ return_to: returnTo })}`;
}

/** What the operator needs to know. Their messages name addresses and claims, and no code or token. */
function causesOf(cause: unknown): string[] {
  return cause instanceof Error ? [cause.message, ...causesOf(cause.cause)] : [];
}
