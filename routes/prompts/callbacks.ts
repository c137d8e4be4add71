/** Where providers call back. A call is a hint to look: it is answered at once and says nothing about its token. */
import { Hono } from "hono";
import { doneJson } from "../../views/json/values.ts";
import type { AppContext, AppDeps, AppEnv } from "../http/context.ts";
import { wholeBody } from "../http/request_body.ts";

export function callbackRoutes({ callbacks, log }: Pick<AppDeps, "callbacks" | "log">) {
  return new Hono<AppEnv>().post("/callbacks/:token", wholeBody, async (c) => {
    const isKnown = await callbacks.receive(c.req.param("token"), await readLeniently(c));
    if (!isKnown) log("warn", "callback_unknown", { requestId: c.var.requestId });
    return c.json(doneJson());
  });
}

async function readLeniently(c: AppContext): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
