/** Batches: where they stand, their prompts and pictures, and what is done with one as a whole. */
import { Hono } from "hono";
import { z } from "zod";
import type { Batch } from "../../lib/batches/batch.ts";
import { batchPictures } from "../../lib/batches/batch_pictures.ts";
import { findBatch, listBatches, listBatchPrompts } from "../../lib/batches/batch_store.ts";
import { pauseBatch, resumeBatch, setLimit } from "../../lib/batches/change_batch.ts";
import { retryFailed } from "../../lib/batches/retry_failed.ts";
import { fileName } from "../../lib/images/file_name.ts";
import { viewBatch, viewBatches } from "../../lib/live/batch_view.ts";
import { viewPrompts } from "../../lib/live/prompt_view.ts";
import { dollarAmount } from "../../lib/money/dollars.ts";
import { Refusal } from "../../lib/refusal.ts";
import { cancelBatch } from "../../lib/work/end_batch.ts";
import { type ArchiveFile, zipArchive } from "../../lib/zip_archive.ts";
import {
  acceptedBatchJson,
  batchAnswerJson,
  batchListAnswer,
  batchListJson,
} from "../../views/json/batch_json.ts";
import { promptListJson } from "../../views/json/prompt_json.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { createOwnAnswer } from "../http/conditional.ts";
import { demandNoFields, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readIdempotencyKey } from "../http/request_headers.ts";

const limitWords = "limit must be a number of dollars, 0 or more, or null for none";
export const limitInput = z.strictObject({
  limit: dollarAmount(limitWords).nullable().describe(
    "Dollars, to the millionth; null: no limit of its own.",
  ),
});

export type BatchDeps = Pick<
  AppDeps,
  | "store"
  | "models"
  | "blobs"
  | "files"
  | "progress"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "defaultBudgetMicros"
  | "secret"
  | "publicUrl"
>;

export function batchRoutes(deps: BatchDeps) {
  const { store, secret } = deps;
  const answerList = createOwnAnswer(deps, batchListAnswer);
  return new Hono<AppEnv>()
    .get("/api/v1/batches", async (c) => {
      const { user } = callerOf(c);
      const name = { userId: user.id, list: "batches", secret };
      const query = readListQuery(c, { ...name, defaultLimit: 50 });
      return await answerList(c, async () => {
        const page = await listBatches(store, { userId: user.id, ...query.start });
        const views = await viewBatches(store, page.items);
        return batchListJson(views, paginate(c, { page, name, query }));
      });
    })
    .get("/api/v1/batches/:id", async (c) => c.json(await answerOf(c)))
    .get("/api/v1/batches/:id/prompts", async (c) => {
      const batch = await findOwn(c);
      const name = { userId: batch.userId, list: `batches/${batch.id}`, secret };
      const query = readListQuery(c, { ...name, defaultLimit: 50 });
      const page = await listBatchPrompts(store, { batch, ...query.start });
      const views = await viewPrompts(deps, page.items);
      return c.json(promptListJson(views, paginate(c, { page, name, query })));
    })
    .get("/api/v1/batches/:id/archive.zip", async (c) => {
      const batch = await findOwn(c);
      const only = readOnly(c);
      c.header("Content-Type", "application/zip");
      c.header("Content-Disposition", `attachment; filename="${archiveName(batch)}"`);
      if (c.req.method === "HEAD") return c.body(null);
      return c.body(zipArchive((signal) => picturesOf(deps, { batch, only, signal })));
    })
    .post("/api/v1/batches/:id/pause", async (c) => {
      const { value } = await findToChange(c);
      await demandNoFields(c);
      await pauseBatch(deps, value);
      return c.json(await answerOf(c));
    })
    .post("/api/v1/batches/:id/resume", async (c) => {
      const { value } = await findToChange(c);
      await demandNoFields(c);
      await resumeBatch(deps, value);
      return c.json(await answerOf(c));
    })
    .post("/api/v1/batches/:id/cancel", async (c) => {
      const { value } = await findToChange(c);
      await demandNoFields(c);
      await cancelBatch(deps, value);
      return c.json(await answerOf(c));
    })
    .post("/api/v1/batches/:id/retry-failed", async (c) => {
      const { user } = callerOf(c, "generate");
      const idempotencyKey = readIdempotencyKey(c);
      const { value } = await findToChange(c);
      await demandNoFields(c);
      deps.limits.generate.take(user.id);
      const { batch, isReplay } = await retryFailed(deps, { user, batch: value, idempotencyKey });
      if (isReplay) c.header("Idempotency-Replayed", "true");
      c.header("Location", `/api/v1/batches/${batch.value.id}`);
      return c.json(acceptedBatchJson(batch.value), 202);
    })
    .patch("/api/v1/batches/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      const { value } = await findToChange(c);
      const { limit: limitMicros } = await readJsonFields(c, limitInput);
      await setLimit(deps, { user, batch: value, limitMicros });
      return c.json(await answerOf(c));
    });

  function findToChange(c: AppContext) {
    const { user } = callerOf(c, "generate");
    return findBatch(store, { userId: user.id, batchId: c.req.param("id")! });
  }

  async function findOwn(c: AppContext): Promise<Batch> {
    const { user } = callerOf(c);
    return (await findBatch(store, { userId: user.id, batchId: c.req.param("id")! })).value;
  }

  async function answerOf(c: AppContext) {
    const { user } = callerOf(c);
    const batch = await findBatch(store, { userId: user.id, batchId: c.req.param("id")! });
    return batchAnswerJson(await viewBatch(store, batch));
  }
}

/** All pictures, or those with a star. */
function readOnly(c: AppContext): "all" | "starred" {
  const only = c.req.query("only");
  if (!only) return "all";
  if (only === "starred") return only;
  throw new Refusal("invalid_request", "only takes starred", { field: "only" });
}

function archiveName({ createdAt }: Batch): string {
  return `darkroom-batch-${new Date(createdAt).toISOString().slice(0, 10)}.zip`;
}

/** Made while they are read, one picture after another. */
async function* picturesOf(
  { store, files }: Pick<BatchDeps, "store" | "files">,
  { batch, only, signal }: { batch: Batch; only: "all" | "starred"; signal: AbortSignal },
): AsyncGenerator<ArchiveFile> {
  const names = new Map<number, number>();
  for await (const { row, prompt: { request }, image } of batchPictures(store, { batch, only })) {
    if (signal.aborted) return;
    const file = files.find(image, { form: { form: "picture" }, request });
    const { stream } = await file.open();
    const place = (names.get(row) ?? 0) + 1;
    names.set(row, place);
    const number = String(row).padStart(3, "0") + (place === 1 ? "" : `-${place}`);
    const name = `${number} ${fileName(request.text, file.contentType)}`;
    yield { name, input: stream, lastModified: new Date(image.createdAt) };
  }
}
