/**
 * The cookies that hold a session's id, and the token of a sign-in under way. Browsers send a host's cookies to all of
 * its ports, so a name has the port where that isn't the default one: two Darkrooms on one host keep out of each
 * other's way.
 */
import type { CookieOptions } from "hono/utils/cookie";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { sha256 } from "../../lib/digest.ts";
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

const prefixOf = (publicUrl: string) => isHttps(publicUrl) ? "__Host-" : "";

function createCookie({ plainName, lifeMs }: { plainName: string; lifeMs: number }) {
  const name = (publicUrl: string) => {
    const port = /:(\d+)$/.exec(publicUrl);
    return prefixOf(publicUrl) + plainName + (port === null ? "" : `-${port[1]}`);
  };
  return {
    name,
    set(c: AppContext, publicUrl: string, value: string): void {
      setCookie(c, name(publicUrl), value, { ...options(publicUrl), maxAge: lifeMs / 1000 });
    },
    read: (c: AppContext, publicUrl: string): string | undefined => getCookie(c, name(publicUrl)),
    clear(c: AppContext, publicUrl: string): void {
      deleteCookie(c, name(publicUrl), options(publicUrl));
    },
  };
}

export const sessionCookie = createCookie({ plainName: "darkroom", lifeMs: sessionLifeMs });
export const attemptCookie = createCookie({ plainName: "darkroom-sign-in", lifeMs: attemptLifeMs });

/** Says that its session moderates, for as long as a day's work. */
export const moderatingCookie = createCookie({ plainName: "darkroom-moderating", lifeMs: 8 * 3600 * 1000 });

/** More of them are some mischief. */
const mostSessionCookies = 8;

/**
 * The ids of sessions that the browser sent, this server's own cookie first. Those under the name of another port count
 * too, so that a server which moves to another one signs nobody out; an id that another Darkroom gave opens nothing.
 */
export function sessionIdsOf(c: AppContext, publicUrl: string): string[] {
  return sessionCookiesOf(c, publicUrl).map(({ id }) => id);
}

function sessionCookiesOf(c: AppContext, publicUrl: string): { name: string; id: string }[] {
  const own = sessionCookie.name(publicUrl);
  const ofAnyPort = new RegExp(`^${prefixOf(publicUrl)}darkroom(-\\d+)?$`);
  return Object.entries(getCookie(c)).filter(([name]) => ofAnyPort.test(name))
    .sort(([a], [b]) => Number(b === own) - Number(a === own))
    .slice(0, mostSessionCookies).map(([name, id]) => ({ name, id }));
}

/** Whoever uses the browser next finds no page, picture or draft of this person. */
export function forgetPerson(c: AppContext, publicUrl: string): void {
  sessionCookie.clear(c, publicUrl);
  const own = sessionCookie.name(publicUrl);
  for (const { name, id } of sessionCookiesOf(c, publicUrl)) {
    const isThisSession = sha256(id) === c.var.caller?.credentialId;
    if (name !== own && isThisSession) deleteCookie(c, name, options(publicUrl));
  }
  c.header("Clear-Site-Data", '"cache", "storage"');
}
