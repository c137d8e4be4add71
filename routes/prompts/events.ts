/** Live: one stream of fragments a page, and the same facts as JSON for programs. */
import { Hono } from "hono";
import { Refusal } from "../../lib/refusal.ts";
import { findUserBehind } from "../../lib/identity/credential.ts";
import type { StreamRequest } from "../../lib/live/changes.ts";
import { isCursor } from "../../lib/live/cursor.ts";
import type { Encode } from "../../lib/live/reader.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { promptEventJson } from "../../views/json/event_json.ts";
import { isLivePage } from "../../views/shell/live_page.ts";
import { liveFragments } from "../../views/prompts/live.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, unauthorized } from "../http/context.ts";
import { readCaller } from "../http/middleware.ts";

const encodeJson: Encode = ({ view }) => ({ event: "prompt", data: JSON.stringify(promptEventJson(view)) });

type EventDeps = Pick<AppDeps, "store" | "changes" | "tokens" | "publicUrl">;

export function eventRoutes(deps: EventDeps) {
  const { store, changes } = deps;
  return new Hono<AppEnv>()
    .get("/events", (c) => {
      const page = c.req.query("page") ?? "generator";
      if (!isLivePage(page)) throw new Refusal("invalid_request", "page takes the name of a page");
      return send(c, { since: readSince(c), encode: liveFragments[page] });
    })
    .get("/api/v1/events", (c) => send(c, { since: readSince(c), encode: encodeJson }))
    .get("/api/v1/prompts/:id/events", async (c) => {
      const { value } = await findPrompt(store, {
        userId: callerOf(c).user.id,
        promptId: c.req.param("id"),
      });
      return send(c, { promptId: value.id, encode: encodeJson });
    });

  async function send(c: AppContext, request: Pick<StreamRequest, "since" | "promptId" | "encode">) {
    const { user, source, credentialId, expiresAt } = callerOf(c);
    const credential = { userId: user.id, source, credentialId, sessionsEnded: user.sessionsEnded ?? 0 };
    const isCredentialGood = async () => await findUserBehind(store, credential) !== null;
    const stream = await changes.open({
      userId: user.id,
      credentialId,
      isCredentialGood,
      expiresAt,
      ...request,
    });
    try {
      await demandStillSignedIn(c);
    } catch (error) {
      await stream.cancel();
      throw error;
    }
    c.header("Content-Type", "text/event-stream");
    c.header("X-Accel-Buffering", "no");
    if (c.req.method !== "HEAD") return c.body(stream);
    await stream.cancel();
    return c.body(null);
  }

  /** What ended the credential while the stream was being opened did not find the stream yet. */
  async function demandStillSignedIn(c: AppContext): Promise<void> {
    if (await readCaller(c, deps) === null) throw unauthorized();
  }
}

/** Where the reader stopped: the id of the last message, else what its page was rendered at. */
function readSince(c: AppContext): string | undefined {
  const cursor = c.req.header("Last-Event-ID") || c.req.query("since");
  return cursor !== undefined && isCursor(cursor) ? cursor : undefined;
}
