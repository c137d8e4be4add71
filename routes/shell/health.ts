/** For whatever watches the server; no sign-in. */
import { Hono } from "hono";
import { healthJson, notReadyJson, readyJson } from "../../views/json/health_json.ts";
import { Refusal } from "../../lib/refusal.ts";
import { isDatabaseTrouble } from "../../lib/store/store.ts";
import { isAdmin } from "../../lib/users/user.ts";
import { version } from "../../lib/version.ts";
import type { AppContext, AppDeps, AppEnv } from "../http/context.ts";
import { readCaller } from "../http/middleware.ts";

type HealthDeps = Pick<
  AppDeps,
  "readiness" | "disk" | "bus" | "isStopping" | "store" | "accessTokens" | "publicUrl"
>;

export function healthRoutes(deps: HealthDeps) {
  const { readiness, bus, isStopping } = deps;
  const readDisk = async () => await deps.disk?.read() ?? null;
  return new Hono<AppEnv>()
    .get("/api/v1/health", (c) => c.json(healthJson({ version })))
    .get("/api/v1/ready", async (c) => {
      const failures = isStopping() ? [{ part: "server", reason: "stopping" }] : await readiness.failures();
      if (failures.length === 0) {
        return c.json(readyJson({ busState: bus.state(), disk: await readDisk() }));
      }
      return c.json(
        notReadyJson(failures, {
          requestId: c.var.requestId,
          isForAdmin: await isFromAdmin(c),
          busState: bus.state(),
        }),
        503,
      );
    });

  /** Whoever watches the server needs no credential, so a wrong one, or a database that can't tell, refuses nothing. */
  async function isFromAdmin(c: AppContext): Promise<boolean> {
    try {
      const caller = await readCaller(c, deps);
      return caller !== null && isAdmin(caller.user);
    } catch (error) {
      if (error instanceof Refusal || isDatabaseTrouble(error)) return false;
      throw error;
    }
  }
}
