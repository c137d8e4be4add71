/** For whatever watches the server; no sign-in. */
import { Hono } from "hono";
import type { AppDeps, AppEnv } from "../http/context.ts";

export function healthRoutes({ readiness, isStopping }: Pick<AppDeps, "readiness" | "isStopping">) {
  return new Hono<AppEnv>()
    .get("/api/v1/health", (c) => c.json({ success: true, status: "ok" }))
    .get("/api/v1/ready", async (c) => {
      const failures = isStopping() ? [{ part: "server", reason: "stopping" }] : await readiness.failures();
      if (failures.length === 0) return c.json({ success: true, status: "ready" });
      const [{ part, reason }] = failures;
      const message = reason === "stopping" ? "The server is stopping" : `No answer from the ${part}`;
      const error = { message, code: "unavailable", requestId: c.var.requestId };
      return c.json({ success: false, failing: failures.map((failure) => failure.part), error }, 503);
    });
}
