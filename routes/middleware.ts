/** What happens to every request before its route: headers, a line in the log, who is asking, and limits. */
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import { authenticate, invalidToken } from "../lib/authenticate.ts";
import { Refusal } from "../lib/errors.ts";
import type { AppContext, AppDeps, AppEnv } from "./context.ts";
import { sessionCookie } from "./session_cookie.ts";

/** One line a request. What may be secret in an address is not logged: its query, and a callback's token. */
export function requestLog({ log, store }: Pick<AppDeps, "log" | "store">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const startedAt = store.now();
    await next();
    log("info", "request", {
      requestId: c.var.requestId,
      method: c.req.method,
      path: c.req.path.replace(/^\/callbacks\/.*/, "/callbacks/…"),
      status: c.res.status,
      durationMs: store.now() - startedAt,
      userId: c.var.caller?.user.id,
    });
  });
}

const commonHeaders = {
  crossOriginOpenerPolicy: "same-origin",
  crossOriginResourcePolicy: "same-origin",
  referrerPolicy: "same-origin",
  xFrameOptions: "DENY",
} as const;

/** Scripts, styles and pictures from here only; nothing inline. */
export function pageHeaders({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  const isHttps = publicUrl.startsWith("https:");
  return secureHeaders({
    ...commonHeaders,
    strictTransportSecurity: isHttps ? "max-age=31536000; includeSubDomains" : false,
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      objectSrc: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
}

/** Bytes that somebody else made: shown as what they are, able to do nothing. */
export function fileHeaders({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  const isHttps = publicUrl.startsWith("https:");
  return secureHeaders({
    ...commonHeaders,
    strictTransportSecurity: isHttps ? "max-age=31536000; includeSubDomains" : false,
    contentSecurityPolicy: { defaultSrc: ["'none'"], sandbox: [] },
  });
}

/** Finds out who is asking. A credential in an address would end up in logs and histories: it is refused. */
export function credentials({ store, publicUrl }: Pick<AppDeps, "store" | "publicUrl">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("caller", null);
    if (["access_token", "api_key", "apikey", "token"].some((name) => c.req.query(name) !== undefined)) {
      throw invalidToken();
    }
    c.set("caller", await readCaller(c, { store, publicUrl }));
    await next();
  });
}

/** Who is asking, as the credential stands now; null: nobody. */
export function readCaller(c: AppContext, { store, publicUrl }: Pick<AppDeps, "store" | "publicUrl">) {
  const sessionId = getCookie(c, sessionCookie.name(publicUrl));
  return authenticate(store, { sessionId, authorization: c.req.header("Authorization") });
}

const safeMethods = ["GET", "HEAD", "OPTIONS"];

/** What changes something and comes with a cookie must come from this site's own pages, JSON included. */
export function sameSiteOnly({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  const publicOrigin = new URL(publicUrl).origin;
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!safeMethods.includes(c.req.method) && getCookie(c, sessionCookie.name(publicUrl)) !== undefined) {
      const origin = c.req.header("Origin");
      const site = c.req.header("Sec-Fetch-Site");
      const isOwnOrigin = origin === publicOrigin || origin === new URL(c.req.url).origin;
      const isOurs = site === undefined
        ? isOwnOrigin
        : site === "same-origin" && (origin === undefined || isOwnOrigin);
      if (!isOurs) throw new Refusal("forbidden", "This must come from Darkroom's own pages");
    }
    await next();
  });
}

/** Requests a minute per user, over all credentials. */
export function requestLimit({ limits }: Pick<AppDeps, "limits">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.var.caller !== null) limits.requests.take(c.var.caller.user.id);
    await next();
  });
}
