/** Signing in by a link, and signing out. */
import { Hono } from "hono";
import { deviceWords } from "../lib/device.ts";
import { useLoginCode } from "../lib/login_code.ts";
import { endSession, startSession } from "../lib/session.ts";
import { LoginPage } from "../views/login_page.tsx";
import type { AppContext, AppDeps, AppEnv } from "./context.ts";
import { sessionCookie } from "./session_cookie.ts";

export function signInRoutes({ store, feed, publicUrl }: AppDeps) {
  return new Hono<AppEnv>()
    .get("/login", async (c) => {
      const returnTo = ownPath(c.req.query("return_to"));
      const code = c.req.query("code");
      if (code === undefined) return c.html(<LoginPage problem={null} />);
      const userId = await useLoginCode(store, code);
      if (userId === null) {
        return c.html(
          <LoginPage problem="This link was used before, is too old, or is not complete." />,
          401,
        );
      }
      await endOwnSession(c);
      sessionCookie.set(c, publicUrl, await startSession(store, userId, { device: deviceOf(c) }));
      return c.redirect(returnTo, 303);
    })
    .post("/logout", async (c) => {
      await endOwnSession(c);
      sessionCookie.clear(c, publicUrl);
      return c.redirect("/login", 303);
    });

  async function endOwnSession(c: AppContext): Promise<void> {
    const { caller } = c.var;
    if (caller?.via !== "session") return;
    await endSession(store, { userId: caller.user.id, hash: caller.credentialId });
    feed.end({ credentialId: caller.credentialId });
  }
}

/** The browser that asks, in words. */
function deviceOf(c: AppContext): string {
  return deviceWords(c.req.header("User-Agent"));
}

/** A path on this server; whatever else was asked for leads to the generator. */
function ownPath(wanted: string | undefined): string {
  // deno-lint-ignore no-control-regex
  if (wanted === undefined || !/^\/(?![/\\])[^\\\u0000-\u0020\u007f]*$/.test(wanted)) return "/generator";
  return wanted;
}
