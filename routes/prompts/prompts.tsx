/** Prompts: history, one prompt, cancel and retry. */
import { Hono } from "hono";
import { cancelPrompt } from "../../lib/work/cancel.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { promptStatuses } from "../../lib/prompts/prompt.ts";
import { previewBytes } from "../../lib/prompts/progress.ts";
import { findPrompt, listPrompts, type PromptChoice } from "../../lib/prompts/prompt_store.ts";
import { viewPrompt, viewPrompts } from "../../lib/live/prompt_view.ts";
import { finishAgain } from "../../lib/work/finish_again.ts";
import { retryPrompt } from "../../lib/prompts/retry.ts";
import { AcceptedFragment } from "../../views/prompts/generator_page.tsx";
import { HistoryPage } from "../../views/prompts/history_page.tsx";
import { acceptedJson } from "../../views/json/generation_json.ts";
import { promptJson, promptListAnswer, promptListJson } from "../../views/json/prompt_json.ts";
import { ChangedFragment } from "../../views/prompts/live.tsx";
import {
  type AppContext,
  type AppDeps,
  type AppEnv,
  budgetOf,
  callerOf,
  wantsFragment,
} from "../http/context.ts";
import { createOwnAnswer } from "../http/conditional.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { demandNoFields } from "../http/input.ts";
import { readIdempotencyKey, readPoll } from "../http/request_headers.ts";

type PromptDeps = Pick<
  AppDeps,
  | "blobs"
  | "decoding"
  | "store"
  | "models"
  | "progress"
  | "changes"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "defaultBudgetMicros"
  | "publicUrl"
  | "secret"
>;

export function promptRoutes(deps: PromptDeps) {
  const { store, publicUrl, secret } = deps;
  const answerList = createOwnAnswer(deps, promptListAnswer);
  return new Hono<AppEnv>()
    .get("/api/v1/prompts", async (c) => {
      const asked = readAsked(c, { defaultLimit: 50 });
      return await answerList(c, async () => {
        const { views, pagination } = await readPage(c, asked);
        return promptListJson(views, pagination);
      });
    })
    .get("/prompts", async (c) => {
      const { user } = callerOf(c);
      const cursor = await readCursor(store, user.id);
      const { views, pagination, only } = await readPage(c, readAsked(c, { defaultLimit: 25 }));
      return c.html(
        <HistoryPage
          user={user}
          cursor={cursor}
          prompts={views}
          pagination={pagination}
          only={only}
        />,
      );
    })
    .get("/api/v1/prompts/:id", async (c) => {
      const { user } = callerOf(c);
      const timeoutMs = readPoll(c);
      const named = { userId: user.id, promptId: c.req.param("id") };
      const prompt = await findPrompt(store, named);
      if (timeoutMs === 0) return c.json(promptJson(await viewPrompt(deps, prompt), publicUrl));
      await deps.changes.waitForFinal(prompt.value, { timeoutMs, signal: c.req.raw.signal });
      return c.json(promptJson(await viewPrompt(deps, await findPrompt(store, named)), publicUrl));
    })
    .get("/prompts/:id/preview", async (c) => {
      const { user } = callerOf(c);
      const { value } = await findPrompt(store, { userId: user.id, promptId: c.req.param("id") });
      const preview = deps.progress.readPreview(value.id, Number(c.req.query("task") ?? 0));
      const bytes = preview && await previewBytes(preview);
      if (preview === null || bytes === null) return c.notFound();
      c.header("Cache-Control", "private, max-age=60");
      c.header("Content-Type", preview.contentType);
      return c.body(new Uint8Array(bytes));
    })
    .post("/api/v1/prompts/:id/cancel", async (c) => {
      callerOf(c, "generate");
      await demandNoFields(c);
      return c.json(promptJson(await viewPrompt(deps, await cancel(c)), publicUrl));
    })
    .post("/prompts/:id/cancel", async (c) => {
      const prompt = await cancel(c);
      if (!wantsFragment(c)) return c.redirect("/generator", 303);
      const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, callerOf(c).user)]);
      return c.html(<ChangedFragment view={view} budget={budget} />);
    })
    .post("/api/v1/prompts/:id/finish", async (c) => {
      callerOf(c, "generate");
      await demandNoFields(c);
      return c.json(promptJson(await viewPrompt(deps, await finish(c)), publicUrl));
    })
    .post("/prompts/:id/finish", async (c) => {
      const prompt = await finish(c);
      if (!wantsFragment(c)) return c.redirect("/generator", 303);
      const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, callerOf(c).user)]);
      return c.html(<ChangedFragment view={view} budget={budget} />);
    })
    .post("/api/v1/prompts/:id/retry", async (c) => {
      callerOf(c, "generate");
      await demandNoFields(c);
      const { prompt, isReplay } = await retry(c);
      if (isReplay) c.header("Idempotency-Replayed", "true");
      c.header("Location", `/api/v1/prompts/${prompt.value.id}`);
      return c.json(acceptedJson(prompt.value), 202);
    })
    .post("/prompts/:id/retry", async (c) => {
      const { prompt } = await retry(c);
      if (!wantsFragment(c)) return c.redirect("/generator", 303);
      const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, callerOf(c).user)]);
      return c.html(<AcceptedFragment view={view} budget={budget} />, 201);
    });

  function readAsked(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const only = readChoice(c);
    const name = { userId: user.id, list: `prompts/${only}`, secret };
    return { only, name, query: readListQuery(c, { ...name, defaultLimit }) };
  }

  async function readPage(c: AppContext, { only, name, query }: ReturnType<typeof readAsked>) {
    const page = await listPrompts(store, { userId: name.userId, only, ...query.start });
    const views = await viewPrompts(deps, page.items);
    return { views, only, pagination: paginate(c, { page, name, query }) };
  }

  async function cancel(c: AppContext) {
    const { user } = callerOf(c, "generate");
    return cancelPrompt(deps, await findPrompt(store, { userId: user.id, promptId: c.req.param("id")! }));
  }

  async function finish(c: AppContext) {
    const { user } = callerOf(c, "generate");
    return finishAgain(deps, await findPrompt(store, { userId: user.id, promptId: c.req.param("id")! }));
  }

  async function retry(c: AppContext) {
    const { user } = callerOf(c, "generate");
    const idempotencyKey = readIdempotencyKey(c);
    const { value: prompt } = await findPrompt(store, { userId: user.id, promptId: c.req.param("id")! });
    deps.limits.generate.take(user.id);
    return retryPrompt(deps, { user, prompt, idempotencyKey });
  }
}

/** All, those of a status, or those that were given pictures. */
function readChoice(c: AppContext): PromptChoice {
  const { status, kind } = c.req.query();
  if (kind && kind !== "edit") throw new Refusal("invalid_request", "kind takes edit", { field: "kind" });
  if (kind && status) throw new Refusal("invalid_request", "Send either kind or status, not both");
  if (kind) return "edits";
  if (!status) return "all";
  const known = promptStatuses.find((name) => name === status);
  if (known === undefined) {
    throw new Refusal("invalid_request", `Unknown status. Known: ${promptStatuses.join(", ")}`);
  }
  return known;
}
