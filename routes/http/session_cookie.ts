/** The cookies that hold a session's id, and the token of a sign-in under way. */
import type { CookieOptions } from "hono/utils/cookie";
import { deleteCookie, setCookie } from "hono/cookie";
import { sessionLifeMs } from "../../lib/identity/session.ts";
import { attemptLifeMs } from "../../lib/identity/sign_in_attempt.ts";
import type { AppContext } from "./context.ts";

const isHttps = (publicUrl: string) => publicUrl.startsWith("https:");

const options = (publicUrl: string): CookieOptions => ({
  path: "/",
  httpOnly: true,
  sameSite: "Lax",
  secure: isHttps(publicUrl),
});

function createCookie({ plainName, lifeMs }: { plainName: string; lifeMs: number }) {
  const name = (publicUrl: string) => isHttps(publicUrl) ? `__Host-${plainName}` : plainName;
  return {
    name,
    set(c: AppContext, publicUrl: string, value: string): void {
      setCookie(c, name(publicUrl), value, { ...options(publicUrl), maxAge: lifeMs / 1000 });
    },
    clear(c: AppContext, publicUrl: string): void {
      deleteCookie(c, name(publicUrl), options(publicUrl));
    },
  };
}

export const sessionCookie = createCookie({ plainName: "darkroom", lifeMs: sessionLifeMs });
export const attemptCookie = createCookie({ plainName: "darkroom-sign-in", lifeMs: attemptLifeMs });

/** Whoever uses the browser next finds no page, picture or draft of this person. */
export function forgetPerson(c: AppContext, publicUrl: string): void {
  sessionCookie.clear(c, publicUrl);
  c.header("Clear-Site-Data", '"cache", "storage"');
}
