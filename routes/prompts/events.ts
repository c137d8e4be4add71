/** Live: one stream of fragments a page, and the same facts as JSON for programs. */
import { Hono } from "hono";
import { Refusal } from "../../lib/refusal.ts";
import { findUserBehind } from "../../lib/identity/credential.ts";
import type { StreamRequest } from "../../lib/live/changes.ts";
import { firstCursor, isCursor } from "../../lib/live/cursor.ts";
import type { Encode } from "../../lib/live/reader.ts";
import { findBatch } from "../../lib/batches/batch_store.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { batchJson } from "../../views/json/batch_json.ts";
import { promptEventJson } from "../../views/json/event_json.ts";
import { type Topic, topicName } from "../../lib/live/topic.ts";
import { type Fragmented, fragmentsOf, readPageName } from "../../views/prompts/live.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, unauthorized } from "../http/context.ts";
import { readCaller } from "../http/middleware.ts";

/** The most kinds of pages that one browser shows. */
const mostPages = 50;

/** For a browser that shows several kinds of pages: for each kind its fragments, in one message of JSON. */
function createPagesEncoder(): (pages: string) => { encode: Encode; topics: Topic[] } {
  const known = new Map<string, Encode>();
  return (pages) => {
    const names = [...new Set(pages.split(","))].sort();
    const found = names.map((name) => [name, readPageName(name)] as const);
    if (!found.every(isPage) || names.length > mostPages) {
      throw new Refusal("invalid_request", "pages takes names of pages");
    }
    const topics = topicsOf(found.map(([, page]) => page));
    const encode: Encode = known.get(names.join()) ?? encodePages(found);
    // Of boards there is no end.
    if (topics.length === 0) known.set(names.join(), encode);
    return { encode, topics };
  };
}

type Page = NonNullable<ReturnType<typeof readPageName>>;

function isPage(found: readonly [string, Page | null]): found is readonly [string, Page] {
  return found[1] !== null;
}

/** Each once, although several pages may be of one. */
function topicsOf(pages: readonly Page[]): Topic[] {
  const topics = pages.flatMap((page) => "topic" in page ? [page.topic] : []);
  return [...new Map(topics.map((topic) => [topicName(topic), topic])).values()];
}

function encodePages(pages: readonly (readonly [string, Page])[]): Encode {
  const fragmented = pages.map(([name, page]) => [name, fragmentsOf(page)] as const);
  return (news) => ({
    event: "change",
    data: JSON.stringify(Object.fromEntries(fragmented.map(([name, render]) => [name, render(news).data]))),
  });
}

/** A prompt, or a batch, as it is now. */
const encodeJson: Encode = (news) => {
  if ("topic" in news) return null;
  if ("view" in news) return { event: "prompt", data: JSON.stringify(promptEventJson(news.view)) };
  return "batch" in news ? { event: "batch", data: JSON.stringify(batchJson(news.batch)) } : null;
};

type EventDeps = Pick<AppDeps, "store" | "changes" | "accessTokens" | "publicUrl">;

export function eventRoutes(deps: EventDeps) {
  const { store, changes } = deps;
  const forPages = createPagesEncoder();
  return new Hono<AppEnv>()
    .get("/events", (c) => {
      demandSamePerson(c);
      const pages = c.req.query("pages");
      const { encode, topics } = pages === undefined ? readPage(c) : forPages(pages);
      return send(c, { since: readSince(c), encode, topics });
    })
    .get("/events/missed", async (c) => {
      demandSamePerson(c);
      const { encode, topics } = readPage(c);
      const since = readSince(c) ?? firstCursor;
      const offer = await changes.missed({ userId: callerOf(c).user.id, since, topics });
      const fragments = offer.changes.map((change) => encode(change).data).join("");
      return c.json({ fragments, reached: offer.cursor });
    })
    .get("/api/v1/events", (c) => send(c, { since: readSince(c), encode: encodeJson }))
    .get("/api/v1/prompts/:id/events", async (c) => {
      const { value } = await findPrompt(store, {
        userId: callerOf(c).user.id,
        promptId: c.req.param("id"),
      });
      return send(c, { promptId: value.id, encode: encodeJson });
    })
    .get("/api/v1/batches/:id/events", async (c) => {
      const { value } = await findBatch(store, {
        userId: callerOf(c).user.id,
        batchId: c.req.param("id"),
      });
      return send(c, { batchId: value.id, encode: encodeJson });
    });

  async function send(
    c: AppContext,
    request: Pick<StreamRequest, "since" | "promptId" | "batchId" | "encode" | "topics">,
  ) {
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

/** A page that was left open while somebody else signed in must not hear what is theirs. */
function demandSamePerson(c: AppContext): void {
  const shownTo = c.req.query("user");
  if (shownTo === undefined || shownTo === callerOf(c).user.id) return;
  throw new Refusal("conflict", "Somebody else has signed in: load the page again");
}

function readPage(c: AppContext): { encode: Fragmented; topics: Topic[] } {
  const page = readPageName(c.req.query("page") ?? "generator");
  if (page === null) throw new Refusal("invalid_request", "page takes the name of a page");
  return { encode: fragmentsOf(page), topics: topicsOf([page]) };
}

/** Where the reader stopped: the id of the last message, else what its page was rendered at. */
export function readSince(c: AppContext): string | undefined {
  const cursor = c.req.header("Last-Event-ID") || c.req.query("since");
  return cursor !== undefined && isCursor(cursor) ? cursor : undefined;
}
