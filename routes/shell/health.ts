/** For whatever watches the server; no sign-in. */
import { Hono } from "hono";
import { healthJson, notReadyJson, readyJson } from "../../views/json/health_json.ts";
import type { AppDeps, AppEnv } from "../http/context.ts";

export function healthRoutes({ readiness, isStopping }: Pick<AppDeps, "readiness" | "isStopping">) {
  return new Hono<AppEnv>()
    .get("/api/v1/health", (c) => c.json(healthJson()))
    .get("/api/v1/ready", async (c) => {
      const failures = isStopping() ? [{ part: "server", reason: "stopping" }] : await readiness.failures();
      if (failures.length === 0) return c.json(readyJson());
      return c.json(notReadyJson(failures, { requestId: c.var.requestId }), 503);
    });
}
