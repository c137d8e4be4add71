/** The pages of batches: all of them, one with its contact sheet, and what people do with it. */
import { Hono } from "hono";
import { z } from "zod";
import type { Batch } from "../../lib/batches/batch.ts";
import { firstPictures } from "../../lib/batches/batch_pictures.ts";
import { findBatch, listBatches } from "../../lib/batches/batch_store.ts";
import { pauseBatch, resumeBatch, setLimit } from "../../lib/batches/change_batch.ts";
import { planRetry, retryFailed } from "../../lib/batches/retry_failed.ts";
import { makeSheetFile, mostColumns } from "../../lib/batches/sheet_file.ts";
import { readFields } from "../../lib/fields.ts";
import { dollarText } from "../../lib/money/dollars.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { viewBatch, viewBatches } from "../../lib/live/batch_view.ts";
import { cancelBatch } from "../../lib/work/end_batch.ts";
import type { Versioned } from "../../lib/store/store.ts";
import {
  BatchChangedFragment,
  BatchPage,
  type SheetChoice,
  sheetFilters,
  sheetOrders,
} from "../../views/batches/batch_page.tsx";
import { contactLabel } from "../../views/batches/contact_sheet.tsx";
import { BatchesPage } from "../../views/batches/batches_page.tsx";
import { money } from "../../views/shell/format.ts";
import {
  type AppContext,
  type AppDeps,
  type AppEnv,
  budgetOf,
  callerOf,
  wantsFragment,
} from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { orProblem } from "../http/problem.tsx";
import { readForm } from "../http/request_body.ts";
import type { BatchDeps } from "./batches.tsx";
import { readSheetPart } from "./sheet_part.ts";

const limitWords = "limit must be an amount of dollars such as 4.80, or empty for none";
const limitForm = z.object({ limit: dollarText(limitWords, { mostDigits: 9 }) });

/** Of each batch, where all are listed. */
const printsInList = 8;

type BatchPageDeps = BatchDeps & Pick<AppDeps, "sheets" | "decoding">;

export function batchPageRoutes(deps: BatchPageDeps) {
  const { store, secret } = deps;
  return new Hono<AppEnv>()
    .get("/batches", async (c) => {
      const { user } = callerOf(c);
      const cursor = await readCursor(store, user.id);
      const name = { userId: user.id, list: "batches page", secret };
      const query = readListQuery(c, { ...name, defaultLimit: 20 });
      const page = await listBatches(store, { userId: user.id, ...query.start });
      const [views, first] = await Promise.all([
        viewBatches(store, page.items),
        Promise.all(
          page.items.map(({ value: batch }) => firstPictures(store, { batch, most: printsInList })),
        ),
      ]);
      const batches = views.map((view, i) => ({ view, first: first[i] }));
      return c.html(
        <BatchesPage {...{ user, cursor, batches }} pagination={paginate(c, { page, name, query })} />,
      );
    })
    .get("/batches/:id", async (c) => c.html(await page(c)))
    .get("/batches/:id/sheet.jpg", async (c) => {
      const { value: batch } = await findOwn(c);
      const { columns, hasLabels } = readSheetQuery(c);
      const rows = await deps.sheets.read(batch.id);
      // One of a user at a time is in memory.
      const bytes = await store.locks.hold(`sheet ${batch.userId}`, () =>
        makeSheetFile(deps, {
          batch,
          columns,
          labelOf: hasLabels ? (picture) => contactLabel(rows[picture.row - 1], picture.index) : null,
        }));
      c.header("Content-Type", "image/jpeg");
      c.header("Content-Disposition", `inline; filename="darkroom-batch-${batch.id.slice(-6)}.jpg"`);
      return c.body(new Uint8Array(bytes));
    })
    .post("/batches/:id/pause", (c) => change(c, (batch) => pauseBatch(deps, batch)))
    .post("/batches/:id/resume", (c) => change(c, (batch) => resumeBatch(deps, batch)))
    .post("/batches/:id/cancel", (c) => change(c, (batch) => cancelBatch(deps, batch)))
    .post("/batches/:id/limit", (c) =>
      change(c, async (batch) => {
        const { limit = "" } = await readForm(c);
        const limitMicros = limit.trim() === "" ? null : readFields(limitForm, { limit }).limit;
        return await setLimit(deps, { user: callerOf(c).user, batch, limitMicros });
      }))
    .post("/batches/:id/retry-failed", async (c) => {
      const { user } = callerOf(c, "generate");
      const { value: batch } = await findOwn(c);
      return await orProblem(c, { page: (refusal) => page(c, refusal) }, async () => {
        const { price, requestKey } = await readForm(c);
        deps.limits.generate.take(user.id);
        const retried = await retryFailed(deps, {
          user,
          batch,
          idempotencyKey: requestKey && `form ${requestKey}`,
          atMostMicros: price !== undefined && /^\d+$/.test(price) ? Number(price) : undefined,
        });
        return c.redirect(`/batches/${retried.batch.value.id}`, 303);
      });
    });

  function findOwn(c: AppContext): Promise<Versioned<Batch>> {
    return findBatch(store, { userId: callerOf(c).user.id, batchId: c.req.param("id")! });
  }

  async function change(c: AppContext, work: (batch: Batch) => Promise<unknown>): Promise<Response> {
    const { user } = callerOf(c, "generate");
    const { value } = await findOwn(c);
    return await orProblem(c, { page: (refusal) => page(c, refusal) }, async () => {
      await work(value);
      if (!wantsFragment(c)) return c.redirect(`/batches/${value.id}`, 303);
      const [view, budget] = await Promise.all([
        findOwn(c).then((found) => viewBatch(store, found)),
        budgetOf(deps, user),
      ]);
      return c.html(<BatchChangedFragment view={view} budget={budget} />);
    });
  }

  async function page(c: AppContext, refusal?: Refusal) {
    const { user } = callerOf(c);
    const cursor = await readCursor(store, user.id);
    const found = await findOwn(c);
    const choice = readChoice(c);
    const [view, budget, part, retryMicros] = await Promise.all([
      viewBatch(store, found),
      budgetOf(deps, user),
      readSheetPart(deps, { batch: found.value, choice }),
      retryPrice(found.value),
    ]);
    const problem = refusal === undefined ? null : problemWords(refusal);
    const requestKey = store.ids();
    return <BatchPage {...{ user, cursor, view, budget, choice, part, retryMicros, problem, requestKey }} />;
  }

  /** What its failed rows would cost once more, at most; null where none failed, or they can't be made again. */
  async function retryPrice(batch: Batch): Promise<number | null> {
    if (batch.counts.failed === 0) return null;
    try {
      return (await planRetry(deps, batch)).mostMicros;
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }
}

function readChoice(c: AppContext): SheetChoice {
  const { only = "all", sort = "row", page = "1" } = c.req.method === "GET" ? c.req.query() : {};
  const [filter, order] = [
    sheetFilters.find((each) => each === only),
    sheetOrders.find((each) => each === sort),
  ];
  if (filter === undefined) throw new Refusal("invalid_request", `only takes ${sheetFilters.join(", ")}`);
  if (order === undefined) throw new Refusal("invalid_request", `sort takes ${sheetOrders.join(" or ")}`);
  if (!/^[1-9]\d{0,4}$/.test(page)) {
    throw new Refusal("invalid_request", "page must be a whole number from 1 on");
  }
  return { only: filter, sort: order, page: Number(page) };
}

function readSheetQuery(c: AppContext): { columns: number; hasLabels: boolean } {
  const { columns = "6", labels = "1" } = c.req.query();
  const count = /^\d{1,3}$/.test(columns) ? Number(columns) : 0;
  if (count < 1 || count > mostColumns) {
    throw new Refusal("invalid_request", `columns must be a whole number from 1 to ${mostColumns}`);
  }
  if (labels !== "0" && labels !== "1") throw new Refusal("invalid_request", "labels takes 0 or 1");
  return { columns: count, hasLabels: labels === "1" };
}

function problemWords({ message, costMicros, field }: Refusal): string {
  if (costMicros === null || field !== "price") return message;
  return `It costs at most ${money(costMicros)} now. Press the button again to go on.`;
}
