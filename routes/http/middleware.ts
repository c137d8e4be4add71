/** What happens to every request before its route: headers, a line in the log, who is asking, and limits. */
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { authenticate, invalidToken } from "../../lib/identity/authenticate.ts";
import type { SubmissionLimit } from "../../lib/prompts/submission_limit.ts";
import type { Allowance } from "../../lib/rate_limit.ts";
import { Refusal } from "../../lib/refusal.ts";
import { isDatabaseTrouble } from "../../lib/store/store.ts";
import { clientAddress } from "./client_address.ts";
import { type QueueStateDeps, type Reader, readQueueState } from "../../lib/prompts/queue_state.ts";
import { countNewNotices } from "../../lib/users/notice.ts";
import { type AppContext, type AppDeps, type AppEnv, unauthorized, wantsFragment } from "./context.ts";
import { sessionIdsOf } from "./session_cookie.ts";

/** What does not say how long it may be kept shows something of somebody, and is kept by no browser or proxy. */
export const keptByNobody = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const { headers } = c.res;
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
});

/** Whatever stands in `Host`, from here on the request has an address that can be read. */
export function readableAddress({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  const own = `${publicUrl}/`;
  return createMiddleware<AppEnv>(async (c, next) => {
    const isReadable = c.req.url.startsWith(own) || URL.canParse(c.req.url);
    if (!isReadable) throw new Refusal("invalid_request", "The Host header names no host");
    await next();
  });
}

/** What is accepted from here on has come later than the request. */
export function arrival({ store }: Pick<AppDeps, "store">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("arrivedAs", store.ids());
    await next();
  });
}

/** One line a request. What may be secret in an address is not logged: its query, and the token of a callback or a share. */
export function requestLog({ log, store }: Pick<AppDeps, "log" | "store">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const startedAt = store.now();
    await next();
    store.tracing.nameRequest(() => `${c.req.method} ${routePath(c, -1)}`);
    log("info", "request", {
      requestId: c.var.requestId,
      method: c.req.method,
      path: c.req.path.replace(/^\/+(callbacks|sources|s|v1\/+images\/+files)\/.*/i, "/$1/…"),
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

type HeaderOptions = Exclude<Parameters<typeof secureHeaders>[0], undefined>;

/** Scripts, styles and pictures from here only, unless readers of pictures are sent elsewhere; nothing inline. */
export function pageHeaders(
  { publicUrl, presigned }: Pick<AppDeps, "publicUrl" | "presigned">,
  others: HeaderOptions = {},
) {
  return secureHeaders({
    ...commonHeaders,
    strictTransportSecurity: transportSecurity(publicUrl),
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", ...presigned === null ? [] : [presigned.origin]],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      objectSrc: ["'none'"],
      frameAncestors: ["'none'"],
    },
    ...others,
  });
}

/** Bytes that somebody else made: shown as what they are, able to do nothing. */
export function fileHeaders({ publicUrl }: Pick<AppDeps, "publicUrl">, others: HeaderOptions = {}) {
  return secureHeaders({
    ...commonHeaders,
    strictTransportSecurity: transportSecurity(publicUrl),
    contentSecurityPolicy: { defaultSrc: ["'none'"], sandbox: [] },
    ...others,
  });
}

function transportSecurity(publicUrl: string): string | false {
  return publicUrl.startsWith("https:") ? "max-age=31536000; includeSubDomains" : false;
}

/** For addresses that are secrets themselves: no other site hears of them. */
export const toldToNobody = { referrerPolicy: "no-referrer" } as const;

/** What is shown to whoever has a link is found by no search engine. */
export const unindexed = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  c.res.headers.set("X-Robots-Tag", "noindex, nofollow");
});

/**
 * Finds out who is asking. A credential in an address would end up in logs and histories: it is refused. Who sends
 * too many wrong ones hears so instead; right ones always count. What is shown to whoever has a link asks for none, so
 * there the ones that a reader happens to send, ended or not, count as nothing.
 */
export function credentials(
  deps: Pick<AppDeps, "store" | "accessTokens" | "publicUrl" | "limits" | "sharing">,
) {
  const { publicUrl, limits, sharing } = deps;
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("caller", null);
    if (sharing !== "members" && isBelowShares(c)) return await next();
    if (["access_token", "api_key", "apikey", "token"].some((name) => c.req.query(name) !== undefined)) {
      throw invalidToken();
    }
    try {
      c.set("caller", await readCaller(c, deps));
    } catch (error) {
      if (error instanceof Refusal && error.code === "invalid_token") {
        limits.wrongCredentials.take(clientAddress(c, { publicUrl }));
      }
      throw error;
    }
    await next();
  });
}

/** Who is asking, as the credential stands now; null: nobody. */
export function readCaller(c: AppContext, deps: Pick<AppDeps, "store" | "accessTokens" | "publicUrl">) {
  const sessionIds = sessionIdsOf(c, deps.publicUrl);
  return authenticate(deps, { sessionIds, authorization: c.req.header("Authorization") });
}

/**
 * For programs alone: a key or token of their own is demanded, and what comes from the pages of another site is refused
 * whatever it brings. A cookie counts as nothing.
 */
export function programsOnly({ publicUrl }: Pick<AppDeps, "publicUrl">) {
  const ownOrigin = new URL(publicUrl).origin;
  return createMiddleware<AppEnv>(async (c, next) => {
    const origin = c.req.header("Origin");
    if (origin !== undefined && origin !== ownOrigin) {
      throw new Refusal("forbidden", "This must not come from another site's pages");
    }
    const { caller } = c.var;
    if (caller === null || caller.via === "session") throw unauthorized();
    await next();
  });
}

const safeMethods = ["GET", "HEAD", "OPTIONS"];

/** What changes something and comes with a cookie must come from this site's own pages, JSON included. */
export function sameSiteOnly({ publicUrl, log }: Pick<AppDeps, "publicUrl" | "log">) {
  const publicOrigin = new URL(publicUrl).origin;
  const isHttps = publicUrl.startsWith("https:");
  return createMiddleware<AppEnv>(async (c, next) => {
    const isForOwnPages = !safeMethods.includes(c.req.method) && isForBrowsers(c) && !isOfShares(c);
    if (isForOwnPages && !isFromOwnPage(c, ownOrigins(c))) {
      throw refuseForeign(c);
    }
    await next();
  });

  /** Signing somebody else's browser in is as bad as acting in its name, so that needs no cookie to be checked. */
  function isForBrowsers(c: AppContext): boolean {
    return sessionIdsOf(c, publicUrl).length > 0 || /^\/(login|join)(\/|$)/.test(c.req.path);
  }

  /** Says how to have this site's own pages known as such, where they may not be. */
  function refuseForeign(c: AppContext): Refusal {
    const foreign = "This must come from Darkroom's own pages";
    const origin = URL.parse(c.req.header("Origin") ?? "");
    if (origin === null || !/^https?:$/.test(origin.protocol)) return new Refusal("forbidden", foreign);
    const isOwn = isOwnUnderAnotherName(c, origin);
    // A browser that says nothing of the page's site leaves open whether it was ours, behind TLS, or anybody's.
    const mayBeOwn = origin.protocol === "https:" && !isHttps &&
      c.req.header("Sec-Fetch-Site") === undefined;
    if (!isOwn && !mayBeOwn) return new Refusal("forbidden", foreign);
    log("warn", "wrong_public_url", { requestId: c.var.requestId, origin: origin.origin, publicUrl });
    return new Refusal(
      "forbidden",
      isOwn
        ? `Darkroom does not know that its address is ${origin.origin}: whoever runs it sets PUBLIC_URL=${origin.origin}`
        : `${foreign}. If they are reached through https, whoever runs it sets PUBLIC_URL to their address`,
    );
  }

  /** Without TLS it may be asked under another name than it knows of; with it, such a page could be anybody's. */
  function ownOrigins(c: AppContext): string[] {
    return isHttps ? [publicOrigin] : [publicOrigin, new URL(c.req.url).origin];
  }
}

/**
 * A share's password is sent by whoever has one, and a report by anybody, in nobody's name. Browsers don't say where that comes from, since the
 * page tells no site its address.
 */
function isOfShares(c: AppContext): boolean {
  return /^\/s\/[^/]*(\/report)?$/.test(c.req.path);
}

function isBelowShares(c: AppContext): boolean {
  return /^\/s(\/|$)/.test(c.req.path);
}

function isFromOwnPage(c: AppContext, ownOrigins: readonly string[]): boolean {
  const origin = c.req.header("Origin");
  const site = c.req.header("Sec-Fetch-Site");
  const isOwnOrigin = origin !== undefined && ownOrigins.includes(origin);
  return site === undefined ? isOwnOrigin : site === "same-origin" && (origin === undefined || isOwnOrigin);
}

/** The page is of this very site under an address that it was not told of: behind TLS, or by what the browser says. */
function isOwnUnderAnotherName(c: AppContext, origin: URL): boolean {
  const site = c.req.header("Sec-Fetch-Site");
  const isSameHost = origin.protocol === "https:" && origin.host === new URL(c.req.url).host;
  return site === "same-origin" || (site === undefined && isSameHost);
}

/** Whoever looks at a page is shown with it how their queue stands, and how many notices are new. */
export function queueOfReader(deps: QueueStateDeps & Pick<AppDeps, "sharing" | "galleryMode">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { caller } = c.var;
    const isForPage = !/^\/(api\/|(events|static|mcp|v1)(\/|$))/.test(c.req.path) && !wantsFragment(c);
    if (caller !== null && isForPage) {
      const [queue, newNotices] = await Promise.all([
        readQueueState(deps, caller.user.id),
        countNewNotices(deps.store, caller.user.id),
      ]);
      const [isSharing, hasGallery] = [deps.sharing !== "off", deps.galleryMode !== "off"];
      const user: Reader = { ...caller.user, queue, newNotices, isSharing, hasGallery };
      c.set("caller", { ...caller, user });
    }
    await next();
  });
}

/** Tells programs their limits, and what is left of them (draft-ietf-httpapi-ratelimit-headers-11). */
export function rateLimitHeaders({ limits, submissions }: Pick<AppDeps, "limits" | "submissions">) {
  const named = [
    { name: "requests", limit: limits.requests, shared: null },
    { name: "submissions", limit: limits.generate, shared: submissions },
  ].filter(({ limit: { perMinute } }) => perMinute > 0);
  const policy = named.map(({ name, limit }) => `"${name}";q=${limit.perMinute};w=60`).join(", ");
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    if (c.var.caller === null || named.length === 0) return;
    const { id: userId } = c.var.caller.user;
    const left = await Promise.all(named.map(async ({ name, limit, shared }) => {
      const own = limit.look(userId)!;
      const { left, resetSeconds } = lesserOf(own, await lookIfThere(shared, userId) ?? own);
      return `"${name}";r=${left};t=${resetSeconds}`;
    }));
    c.res.headers.set("RateLimit-Policy", policy);
    c.res.headers.set("RateLimit", left.join(", "));
  });
}

/** Null: nobody else counts, or the database does not tell; what is answered does not depend on it. */
async function lookIfThere(shared: SubmissionLimit | null, userId: string): Promise<Allowance | null> {
  try {
    return shared && await shared.look(userId);
  } catch (error) {
    if (isDatabaseTrouble(error)) return null;
    throw error;
  }
}

function lesserOf(one: Allowance, other: Allowance): Allowance {
  const isLess = other.left < one.left || (other.left === one.left && other.resetSeconds > one.resetSeconds);
  return isLess ? other : one;
}

/** Requests a minute per user, over all credentials. */
export function requestLimit({ limits }: Pick<AppDeps, "limits">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.var.caller !== null) limits.requests.take(c.var.caller.user.id);
    await next();
  });
}
