/** The way in for agents: the Model Context Protocol, one message a request, for keys and tokens only. */
import { Hono } from "hono";
import { Refusal } from "../../lib/refusal.ts";
import { invalidRequest, parseError, plainRpcError } from "../../views/mcp/rpc_error.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readCaller } from "../http/middleware.ts";
import type { Serve, ServeDeps } from "./serve.ts";

export const mcpPath = "/mcp";

export function mcpRoutes(deps: ServeDeps & Pick<AppDeps, "accessTokens">) {
  let serving: Promise<Serve> | undefined;
  const load = () => serving ??= import("./serve.ts").then(({ createServe }) => createServe(deps));
  return new Hono<AppEnv>()
    .on(["GET", "POST", "DELETE"], mcpPath, async (c) => {
      const caller = callerOf(c);
      const message = c.req.method === "POST" ? await readMessage(c) : undefined;
      if (message instanceof Response) return message;
      const serve = await load();
      const { requestId } = c.var;
      return await serve(requestFor(c), { caller, message, requestId, isWelcome: () => isWelcome(c) });
    });

  /** What it came with, as it counts now. */
  async function isWelcome(c: AppContext): Promise<boolean> {
    try {
      return await readCaller(c, deps) !== null;
    } catch (error) {
      if (error instanceof Refusal && error.code === "invalid_token") return false;
      throw error;
    }
  }
}

/**
 * A JSON value; or the answer to what is none, and to several at once, which no protocol from 2025-06-18 on has: each of
 * them would have to count by itself against the limits.
 */
async function readMessage(c: AppContext): Promise<unknown> {
  const refuse = (code: number, words: string) => c.json(plainRpcError(code, words), 400);
  try {
    const message: unknown = JSON.parse(await c.req.text());
    return Array.isArray(message) ? refuse(invalidRequest, "Send one message at a time") : message;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refuse(parseError, "The request body must be valid JSON");
  }
}

/** Without its body, which was read. Who says nothing of what it takes, or takes everything, takes both forms of answers. */
function requestFor(c: AppContext): Request {
  const { url, method, raw } = c.req;
  const headers = new Headers(raw.headers);
  const accepted = headers.get("Accept") ?? "*/*";
  if (accepted.includes("*/*")) headers.set("Accept", "application/json, text/event-stream");
  return new Request(url, { method, headers, signal: raw.signal });
}
