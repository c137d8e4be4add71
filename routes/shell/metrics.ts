/** What Prometheus reads: on the site's own port with a token, or on a port of its own. */
import { timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { sha256 } from "../../lib/digest.ts";
import type { Metrics } from "../../lib/operation/metrics/metrics.ts";
import { notFound } from "../../lib/refusal.ts";
import { clientAddress } from "../http/client_address.ts";
import type { AppDeps, AppEnv } from "../http/context.ts";

const path = "/metrics";

/** Beside the site, where there is nothing as long as no token is set. */
export function metricsRoutes(
  { metrics, limits, publicUrl }: Pick<AppDeps, "metrics" | "limits" | "publicUrl">,
) {
  return new Hono<AppEnv>().get(path, async (c) => {
    if (metrics === null || metrics.token === null) throw notFound();
    if (isAllowed(c, metrics)) return await answer(c, metrics);
    limits.wrongCredentials.take(clientAddress(c, { publicUrl }));
    return refuse(c);
  });
}

/** Alone on a port of its own, which only those may reach who may read it; a token is asked for where one is set. */
export function createMetricsApp(metrics: Metrics, { log }: Pick<AppDeps, "log">) {
  return new Hono()
    .onError((error, c) => {
      log("error", "bug", { error });
      return c.text("Something went wrong on our side\n", 500);
    })
    .notFound((c) => c.text("Not found\n", 404))
    .get(path, (c) => isAllowed(c, metrics) ? answer(c, metrics) : refuse(c));
}

function isAllowed(c: Context, { token }: Metrics): boolean {
  if (token === null) return true;
  const [, sent = ""] = /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  // Digests have one length, so how long it takes says nothing of the token.
  return timingSafeEqual(new TextEncoder().encode(sha256(sent)), new TextEncoder().encode(sha256(token)));
}

async function answer(c: Context, metrics: Metrics): Promise<Response> {
  return c.body(await metrics.read(), 200, { "Content-Type": metrics.contentType });
}

function refuse(c: Context): Response {
  return c.text("This takes METRICS_TOKEN as Authorization: Bearer\n", 401, { "WWW-Authenticate": "Bearer" });
}
