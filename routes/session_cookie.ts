/** The cookie that holds a session's id. */
import type { CookieOptions } from "hono/utils/cookie";
import { deleteCookie, setCookie } from "hono/cookie";
import { sessionLifeMs } from "../lib/session.ts";
import type { AppContext } from "./context.ts";

const isHttps = (publicUrl: string) => publicUrl.startsWith("https:");

const options = (publicUrl: string): CookieOptions => ({
  path: "/",
  httpOnly: true,
  sameSite: "Lax",
  secure: isHttps(publicUrl),
});

export const sessionCookie = {
  name: (publicUrl: string) => isHttps(publicUrl) ? "__Host-darkroom" : "darkroom",
  set(c: AppContext, publicUrl: string, sessionId: string): void {
    const maxAge = sessionLifeMs / 1000;
    setCookie(c, sessionCookie.name(publicUrl), sessionId, { ...options(publicUrl), maxAge });
  },
  clear(c: AppContext, publicUrl: string): void {
    deleteCookie(c, sessionCookie.name(publicUrl), options(publicUrl));
  },
};
