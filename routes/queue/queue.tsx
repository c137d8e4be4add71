/** A person's own queue: what waits there, in which order, and whether anything starts. */
import { Hono } from "hono";
import { z } from "zod";
import { readCursor } from "../../lib/live/cursor.ts";
import { readQueueLine, viewOwnQueue } from "../../lib/live/own_queue.ts";
import { viewPrompt } from "../../lib/live/prompt_view.ts";
import { type Destination, movePrompt, movePrompts } from "../../lib/prompts/move_prompt.ts";
import { pauseQueue, resumeQueue } from "../../lib/prompts/pause_queue.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { type Reader, readQueueState } from "../../lib/prompts/queue_state.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { cancelPrompt } from "../../lib/work/cancel.ts";
import { cancelWaiting, readCancelled, sendAgain } from "../../lib/work/cancel_waiting.ts";
import { movedPromptJson } from "../../views/json/prompt_json.ts";
import { queueAnswer, queueCancelledJson, queueJson, queuePausedJson } from "../../views/json/queue_json.ts";
import { QueueFragment, QueuePage, type QueueProps } from "../../views/queue/queue_page.tsx";
import { dollars, plural } from "../../views/shell/format.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { createOwnAnswer } from "../http/conditional.ts";
import { demandNoFields, readFormLists, readJsonFields } from "../http/input.ts";
import { orProblem } from "../http/problem.tsx";

type QueueDeps = Pick<
  AppDeps,
  | "store"
  | "models"
  | "progress"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "defaultBudgetMicros"
  | "publicUrl"
  | "secret"
  | "taskDurations"
  | "userConcurrency"
>;

const positionWords = 'position must be "front", "back" or { "before": the id of another prompt }';

export const moveInput = z.strictObject({
  position: z.union([z.enum(["front", "back"]), z.strictObject({ before: z.string() })], positionWords)
    .describe("The next, the last, or before another one that waits."),
});

const buttons = ["front", "back", "up", "down"] as const;

const maxSelected = 500;

const selectionForm = z.object({
  action: z.tuple(
    [z.enum(["front", "back", "cancel"], "Choose what to do with them")],
    "Choose what to do with them",
  ),
  prompt: z.array(z.string(), "Select some prompts first").min(1, "Select some prompts first")
    .max(maxSelected, `Select at most ${maxSelected} prompts`),
});

export function queueRoutes(deps: QueueDeps) {
  const { store, publicUrl } = deps;
  const answerQueue = createOwnAnswer(deps, queueAnswer);
  return new Hono<AppEnv>()
    .get("/api/v1/queue", async (c) => {
      const { user } = callerOf(c);
      return await answerQueue(c, async () => {
        const [line, state] = await Promise.all([
          readQueueLine(store, user.id),
          readQueueState(deps, user.id),
        ]);
        return queueJson(line, state);
      });
    })
    .post("/api/v1/queue/pause", async (c) => {
      const { user } = callerOf(c, "generate");
      await demandNoFields(c);
      await pauseQueue(deps, user.id);
      return c.json(queuePausedJson(await readQueueState(deps, user.id)));
    })
    .post("/api/v1/queue/resume", async (c) => {
      const { user } = callerOf(c, "generate");
      await demandNoFields(c);
      await resumeQueue(deps, user.id);
      return c.json(queuePausedJson(await readQueueState(deps, user.id)));
    })
    .post("/api/v1/queue/cancel", async (c) => {
      const { user } = callerOf(c, "generate");
      await demandNoFields(c);
      return c.json(queueCancelledJson(await cancelWaiting(deps, user.id)));
    })
    .patch("/api/v1/prompts/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      const { position: to } = await readJsonFields(c, moveInput);
      const moved = await movePrompt(store, { userId: user.id, promptId: c.req.param("id"), to });
      return c.json(movedPromptJson(await viewPrompt(deps, moved), publicUrl));
    })
    .get("/queue", async (c) => c.html(await page(c, null)))
    .get("/queue/list", async (c) => c.html(<QueueFragment {...await readProps(c)} />))
    .post("/queue/pause", (c) =>
      change(c, async ({ id }) => {
        await pauseQueue(deps, id);
        return "Your queue is paused. What runs goes on.";
      }))
    .post("/queue/resume", (c) =>
      change(c, async ({ id }) => {
        await resumeQueue(deps, id);
        return "Your queue goes on.";
      }))
    .post("/queue/cancel", (c) =>
      change(c, async ({ id }) => {
        const { prompts, rows, releasedMicros } = await cancelWaiting(deps, id);
        return `${plural(prompts + rows, "prompt was", "prompts were")} cancelled, which releases ${
          dollars(releasedMicros)
        }.`;
      }))
    .post("/queue/send-again", (c) =>
      change(c, async (user) => {
        deps.limits.generate.take(user.id);
        const { sent, refusal } = await sendAgain(deps, user);
        const said = `${plural(sent, "prompt was", "prompts were")} sent again.`;
        if (refusal === null) return said;
        throw new Refusal(refusal.code, `${said} Then: ${refusal.message}`);
      }))
    .post("/queue/selection", (c) =>
      change(c, async ({ id: userId }) => {
        const { action: [action], prompt: promptIds } = await readFormLists(c, selectionForm);
        if (action === "cancel") return await cancelSelected(userId, promptIds);
        const { moved, gone } = await movePrompts(store, { userId, promptIds, to: action });
        const left = gone.length === 0 ? "" : ` ${plural(gone.length, "waits", "wait")} no more.`;
        return `${plural(moved.length, "prompt")} moved to the ${action}.${left}`;
      }))
    .post("/queue/prompts/:id/cancel", (c) =>
      change(c, async ({ id: userId }) => {
        await cancelPrompt(deps, await findPrompt(store, { userId, promptId: c.req.param("id") }));
        return "Cancelled.";
      }))
    .post(
      "/queue/prompts/:id/before/:other",
      (c) =>
        change(
          c,
          ({ id }) => moveTo(id, { promptId: c.req.param("id"), to: { before: c.req.param("other") } }),
        ),
    )
    .post("/queue/prompts/:id/:to", (c) =>
      change(c, ({ id }) => {
        const to = buttons.find((button) => button === c.req.param("to"));
        if (to === undefined) throw notFound();
        return moveTo(id, { promptId: c.req.param("id"), to });
      }));

  /** Those that are over by now stay as they are. */
  async function cancelSelected(userId: string, promptIds: readonly string[]): Promise<string> {
    const ids = [...new Set(promptIds)];
    const found = await Promise.all(ids.map((promptId) => findPrompt(store, { userId, promptId })));
    const results = await Promise.all(found.map((prompt) => isDone(cancelPrompt(deps, prompt))));
    return `${plural(results.filter(Boolean).length, "prompt was", "prompts were")} cancelled.`;
  }

  /** In words where it is then. */
  async function moveTo(
    userId: string,
    { promptId, to }: { promptId: string; to: Destination },
  ): Promise<string> {
    const moved = await movePrompt(store, { userId, promptId, to });
    const { position } = await viewPrompt(deps, moved);
    return position === null ? "Moved." : `Moved to place ${position + 1}.`;
  }

  /** Does what was asked for by hand, and answers with the queue as it is then. */
  async function change(c: AppContext, work: (user: Reader) => Promise<string>): Promise<Response> {
    const { user } = callerOf(c, "generate");
    return await orProblem(c, { page: ({ message }) => page(c, message) }, async () => {
      const said = await work(user);
      if (!wantsFragment(c)) return c.redirect("/queue", 303);
      return c.html(<QueueFragment {...await readProps(c)} said={said} />);
    });
  }

  async function page(c: AppContext, problem: string | null) {
    return <QueuePage {...await readProps(c)} problem={problem} />;
  }

  async function readProps(c: AppContext): Promise<QueueProps> {
    const { user } = callerOf(c);
    // Before all that it may be older than.
    const cursor = await readCursor(store, user.id);
    const [queue, state, cancelled] = await Promise.all([
      viewOwnQueue(deps, user.id),
      readQueueState(deps, user.id),
      readCancelled(store, user.id),
    ]);
    return { user: { ...user, queue: state }, cursor, queue, cancelled };
  }
}

/** False: it waits no more. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.code === "conflict") return false;
    throw error;
  }
}
