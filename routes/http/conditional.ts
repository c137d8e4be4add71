/**
 * Answers to whoever has them already (RFC 9110, section 13): 304, and nothing else. What shows a person's own things
 * alone has a tag that is known before anything of it is looked for: it is made of who asks, what for, and the number of
 * their latest change, which every commit tells by itself (`lib/store/own_changes.ts`). Whatever else an answer
 * depends on is named with it; what can't be named like that is tagged by what it says, and saves the way only.
 */
import { createMiddleware } from "hono/factory";
import { z } from "zod";
import { sha256, sign } from "../../lib/digest.ts";
import { readOwnChange } from "../../lib/store/own_changes.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "./context.ts";
import { namesTag } from "./request_headers.ts";

export interface OwnAnswer {
  /** Answers with JSON that shows nothing but what the commits of the caller, or for everybody, have written. */
  <T extends object>(c: AppContext, work: () => Promise<T>, besides?: readonly string[]): Promise<Response>;
}

/** `shape`: what is answered. A program that answers otherwise gives other tags. */
export function createOwnAnswer(
  { store, secret, publicUrl }: Pick<AppDeps, "store" | "secret" | "publicUrl">,
  shape: z.ZodType,
): OwnAnswer {
  const shapeDigest = sha256(JSON.stringify(z.toJSONSchema(shape, { unrepresentable: "any" })));
  return async (c, work, besides = []) => {
    const { user } = callerOf(c);
    // Before anything else is read: what is changed meanwhile is told the next time.
    const change = await readOwnChange(store, user.id);
    const { pathname, search } = new URL(c.req.url);
    const madeOf = [user.id, pathname, search, publicUrl, shapeDigest, change, ...besides];
    const tag = `"${sign(secret, `answer ${JSON.stringify(madeOf)}`).slice(0, 27)}"`;
    c.header("ETag", `W/${tag}`);
    c.header("Cache-Control", caching);
    return hasAlready(c, tag) ? c.body(null, 304) : c.json(await work());
  };
}

/** The same for JSON of which nobody can tell without making it whether it has changed. */
export const taggedByWhatItSays = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const { status, headers } = c.res;
  const isJson = headers.get("Content-Type")?.startsWith("application/json") ?? false;
  if (status !== 200 || !isJson || headers.has("Cache-Control")) return;
  const text = await c.res.text();
  const tag = `"${sha256(text).slice(0, 27)}"`;
  headers.set("ETag", `W/${tag}`);
  headers.set("Cache-Control", caching);
  if (!hasAlready(c, tag)) return void (c.res = new Response(text, { headers }));
  headers.delete("Content-Type");
  c.res = new Response(null, { status: 304, headers });
});

/**
 * They show what others have changed, too, or what stands nowhere but in memory. Lists with what is to be known to
 * their owner alone, as links and webhooks are, are kept by nobody.
 */
export const taggedPaths = [
  "/api/v1/me",
  "/api/v1/models",
  "/v1/models",
  "/api/v1/boards",
  "/api/v1/recipes",
  "/api/v1/publications",
];

/** It may be kept by whoever asked, and is asked for anew each time. */
const caching = "private, no-cache";

/** Tags are weak, as the same answer may be packed in several ways. */
function hasAlready(c: AppContext, tag: string): boolean {
  const known = c.req.header("If-None-Match");
  return known !== undefined && namesTag(known, tag);
}
