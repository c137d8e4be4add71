/** Making batches: a preview that holds nothing and the start for people, one call for programs. */
import { Hono } from "hono";
import { acceptBatch, type AcceptedBatch, findAcceptedBatch } from "../../lib/batches/accept_batch.ts";
import { readBatchInput } from "../../lib/batches/batch_body.ts";
import {
  askedByForm,
  type BatchForm,
  emptyForm,
  formOfRecipe,
  formOfRows,
} from "../../lib/batches/batch_form.ts";
import { readAllRows } from "../../lib/batches/batch_rows.ts";
import { findBatch } from "../../lib/batches/batch_store.ts";
import { economyOffer } from "../../lib/batches/economy.ts";
import { estimateMs } from "../../lib/batches/estimate.ts";
import { keepPlan, readKeptPlan } from "../../lib/batches/kept_plan.ts";
import type { BatchPlan } from "../../lib/batches/plan.ts";
import { filedOnto, planAgain, planBatch } from "../../lib/batches/plan_batch.ts";
import type { TableColumn } from "../../lib/batches/table.ts";
import { noTerms, type TermsForm, termsOf } from "../../lib/batches/terms.ts";
import { allBoards } from "../../lib/boards/board_store.ts";
import { sha256 } from "../../lib/digest.ts";
import type { RecipeUse } from "../../lib/prompts/prompt.ts";
import type { Lane } from "../../lib/prompts/quote.ts";
import { findUsed, type UsedRecipe } from "../../lib/recipes/use_recipe.ts";
import { Refusal } from "../../lib/refusal.ts";
import { NewBatchPage } from "../../views/batches/new_batch_page.tsx";
import { acceptedBatchJson } from "../../views/json/batch_json.ts";
import { dryRunJson } from "../../views/json/batch_quote_json.ts";
import { byteOrderMark, csvLine } from "../../views/shell/csv.ts";
import { money } from "../../views/shell/format.ts";
import { type AppContext, type AppDeps, type AppEnv, budgetOf, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readerZone } from "../http/reader_zone.ts";
import { readForm, readJson } from "../http/request_body.ts";
import { readIdempotencyKey } from "../http/request_headers.ts";
import { batchFormOf, demandTextFits, readBatchForm, readTermsForm, termsFormOf } from "./batch_input.ts";

/** Takes many rows at once, from programs and from people. */
export const batchesApiPath = "/api/v1/batches";
export const newBatchPath = "/batches/new";

type MakeBatchDeps = Pick<
  AppDeps,
  | "store"
  | "blobs"
  | "models"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "taskDurations"
  | "defaultBudgetMicros"
  | "promptMaxChars"
  | "batchMaxRows"
  | "userConcurrency"
>;

/** What somebody looks at before it is started. */
interface Previewed {
  /** A kept plan, or a batch that is made again. */
  planId: string;
  form: BatchForm;
  /** What it would be in a lane. */
  plan(lane?: Lane): Promise<BatchPlan>;
}

export function makeBatchRoutes(deps: MakeBatchDeps) {
  const { store, models } = deps;
  return new Hono<AppEnv>()
    .post(batchesApiPath, async (c) => {
      const { user } = callerOf(c, "generate");
      const isDryRun = readDryRun(c);
      const body = await readJson(c);
      if (isDryRun) {
        const { plan } = await planOf(c, body);
        return c.json(dryRunJson(plan, await budgetOf(deps, user)));
      }
      const { batch, isReplay } = await accept(c, body);
      if (isReplay) c.header("Idempotency-Replayed", "true");
      c.header("Location", `${batchesApiPath}/${batch.value.id}`);
      return c.json(acceptedBatchJson(batch.value), 202);
    })
    .get(newBatchPath, async (c) => {
      callerOf(c);
      const from = c.req.query("from");
      if (from === undefined) {
        const form = batchFormOf(c.req.queries());
        return c.html(await page(c, { form: await filledByRecipe(c, form) }));
      }
      const previewed = await previewAgain(c, from);
      const faces = { page: (refusal: Refusal) => page(c, { form: previewed.form, refusal }) };
      return await orProblem(
        c,
        faces,
        async () => c.html(await previewPage(c, { previewed, terms: noTerms })),
      );
    })
    .get("/batches/template.csv", (c) => {
      callerOf(c);
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", 'attachment; filename="batch.csv"');
      return c.body(templateTable(models.choose(undefined)));
    })
    .post(newBatchPath, async (c) => {
      const { user } = callerOf(c, "generate");
      let form = emptyForm;
      return await orProblem(c, { page: (refusal) => page(c, { form, refusal }) }, async () => {
        form = await readBatchForm(c);
        demandTextFits(form);
        const previewed = previewOf(user.id, { planId: store.ids(), form });
        const shown = await previewPage(c, { previewed, terms: noTerms });
        await keepPlan(deps, { userId: user.id, id: previewed.planId, form });
        return c.html(shown);
      });
    })
    .post("/batches", async (c) => {
      const { user } = callerOf(c, "generate");
      const { planId = "", requestKey = "", price, ...fields } = await readForm(c);
      const terms = termsFormOf(fields);
      const idempotency = formKey({ planId, requestKey, terms });
      const earlier = await findAcceptedBatch(store, { userId: user.id, idempotency });
      if (earlier !== null) return c.redirect(`/batches/${earlier.batch.value.id}`, 303);
      const previewed = await findPreviewed(c, planId);
      const faces = { page: (refusal: Refusal) => againPage(c, { previewed, terms, refusal }) };
      return await orProblem(c, faces, async () => {
        if (previewed === null) throw new Refusal("conflict", forgottenWords, { field: "planId" });
        deps.limits.generate.take(user.id);
        const input = readTermsForm(terms, { zone: readerZone(c) });
        const agreed = termsOf(input, { now: store.now() });
        const rows = await previewed.plan(agreed.lane);
        const plan = await filedOnto(store, { userId: user.id, plan: rows, boardId: input.boardId ?? null });
        const atMostMicros = shownMicros(price);
        const { batch } = await acceptBatch(deps, { user, plan, terms: agreed, idempotency, atMostMicros });
        return c.redirect(`/batches/${batch.value.id}`, 303);
      });
    });

  async function planOf(c: AppContext, body: unknown) {
    const { user } = callerOf(c);
    const { input, asked } = readBatchInput(body);
    const terms = termsOf(input, { now: store.now() });
    const rows = await planBatch(deps, { userId: user.id, asked, lane: terms.lane });
    const plan = await filedOnto(store, { userId: user.id, plan: rows, boardId: input.boardId ?? null });
    return { plan, terms };
  }

  async function accept(c: AppContext, body: unknown): Promise<AcceptedBatch> {
    const { user } = callerOf(c);
    const key = readIdempotencyKey(c);
    deps.limits.generate.take(user.id);
    const idempotency = key === undefined ? undefined : { key, body };
    // What was accepted is answered again, also where a model or a picture that it names is gone by now.
    const earlier = idempotency && await findAcceptedBatch(store, { userId: user.id, idempotency });
    return earlier ?? await acceptBatch(deps, { user, ...await planOf(c, body), idempotency });
  }

  function previewOf(userId: string, { planId, form }: { planId: string; form: BatchForm }): Previewed {
    const plan = async (lane?: Lane) => {
      const used = await findRecipeOf(userId, form);
      const recipe = used && { use: useOf(form)!, text: used.version.text };
      const asked = askedByForm(form, { drawnSeed: seedOf(planId), recipe });
      return await planBatch(deps, { userId, asked, lane });
    };
    return { planId, form, plan };
  }

  /** Null: it names none. Refuses with `invalid_request` one that is not there for them. */
  async function findRecipeOf(userId: string, form: BatchForm): Promise<UsedRecipe | null> {
    const use = useOf(form);
    if (use === null) return null;
    try {
      return await findUsed(store, { userId, use });
    } catch (error) {
      if (!(error instanceof Refusal && error.code === "not_found")) throw error;
      throw new Refusal("invalid_request", "The recipe is not there any more", { field: "recipeId" });
    }
  }

  /** Its text, or a column for each of its placeholders, and its settings, where nothing else was said. */
  async function filledByRecipe(c: AppContext, form: BatchForm): Promise<BatchForm> {
    const use = useOf(form);
    if (use === null || form.prompts !== "") return form;
    const { version: { text, settings } } = await findUsed(store, { userId: callerOf(c).user.id, use });
    return formOfRecipe(form, { text, settings });
  }

  /** The rows of a batch of theirs once more; refuses with `not_found`. */
  async function previewAgain(c: AppContext, batchId: string): Promise<Previewed> {
    const { value: batch } = await findBatch(store, { userId: callerOf(c).user.id, batchId });
    const rows = await Array.fromAsync(readAllRows(deps.blobs, batch.id));
    return { planId: batch.id, form: formOfRows(rows), plan: (lane) => planAgain(deps, { batch, lane }) };
  }

  /** Null: it is not kept any more, or never was theirs. */
  async function findPreviewed(c: AppContext, planId: string): Promise<Previewed | null> {
    const userId = callerOf(c).user.id;
    const kept = await readKeptPlan(deps, { userId, planId });
    if (kept !== null) return previewOf(userId, { planId, form: kept.form });
    try {
      return await previewAgain(c, planId);
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_found") return null;
      throw error;
    }
  }

  /** What was not started, once more: with the price as it is now, where that can still be told. */
  async function againPage(
    c: AppContext,
    { previewed, terms, refusal }: { previewed: Previewed | null; terms: TermsForm; refusal: Refusal },
  ) {
    if (previewed === null) return await page(c, { form: emptyForm, refusal });
    try {
      return await previewPage(c, { previewed, terms, refusal });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return await page(c, { form: previewed.form, refusal: error });
    }
  }

  async function previewPage(
    c: AppContext,
    { previewed, terms, refusal }: { previewed: Previewed; terms: TermsForm; refusal?: Refusal },
  ) {
    const { planId, form } = previewed;
    return await page(c, { form, refusal, shown: { planId, terms, plan: await previewed.plan() } });
  }

  async function page(
    c: AppContext,
    { form, refusal, shown }: {
      form: BatchForm;
      refusal?: Refusal;
      shown?: { planId: string; plan: BatchPlan; terms: TermsForm };
    },
  ) {
    const { user } = callerOf(c);
    const [budget, boards, used] = await Promise.all([
      budgetOf(deps, user),
      allBoards(store, user.id),
      findRecipeOf(user.id, form).catch(asNone),
    ]);
    const { expectedMs } = deps.taskDurations;
    return (
      <NewBatchPage
        user={user}
        form={form}
        recipe={used && { name: used.found.recipe.value.name, version: used.version }}
        models={models.available()}
        budget={budget}
        maxRows={deps.batchMaxRows}
        problem={refusal === undefined ? null : problemWords(refusal)}
        rowProblems={refusal?.problems ?? []}
        preview={shown === undefined ? null : {
          ...shown,
          requestKey: store.ids(),
          estimateMs: await estimateMs(shown.plan, { expectedMs, atOnce: deps.userConcurrency }),
          budget,
          userId: user.id,
          boards,
          economy: economyOffer(models, shown.plan),
          zone: readerZone(c),
        }}
      />
    );
  }
}

/** One that is not there is not shown. */
function asNone(error: unknown): null {
  if (error instanceof Refusal) return null;
  throw error;
}

/** The version that a form names; null: none. */
function useOf({ recipeId, recipeVersion }: BatchForm): RecipeUse | null {
  return recipeId !== "" && /^\d{1,9}$/.test(recipeVersion)
    ? { recipeId, version: Number(recipeVersion) }
    : null;
}

const forgottenWords =
  "This preview is older than an hour, so prices may have changed: look at the rows again";

function problemWords({ message, costMicros }: Refusal): string {
  if (costMicros === null) return message;
  return `It costs at most ${money(costMicros)} now. Press the button again to go on.`;
}

/** Nobody pays more than the button showed. */
function shownMicros(price: string | undefined): number | undefined {
  return price !== undefined && /^\d+$/.test(price) ? Number(price) : undefined;
}

/** The same form sent twice, by a double click or a reload, is one batch; with other terms, it is another. */
function formKey(sent: { planId: string; requestKey: string; terms: TermsForm }) {
  return { key: `batch form ${sha256(JSON.stringify(sent))}`, body: sent };
}

/** Whoever asks for a trial must not pay by a word that means the same. */
function readDryRun(c: AppContext): boolean {
  const text = c.req.query("dryRun");
  if (text === undefined || text === "0" || text === "false") return false;
  if (text === "1" || text === "true" || text === "") return true;
  throw new Refusal("invalid_request", "dryRun takes 1", { field: "dryRun" });
}

/** By chance, and for a preview always the same. */
function seedOf(planId: string): number {
  return parseInt(sha256(planId).slice(0, 8), 16);
}

/** Two rows to write over. */
function templateTable({ id, sizes: [size] }: { id: string; sizes: readonly string[] }): string {
  const columns: TableColumn[] = ["prompt", "model", "imageSize", "count", "seed", "tags"];
  const rows = [
    ["a red fox at dawn", id, size, 1, 1, "fox"],
    ["a blue fox at night", id, size, 1, 2, "fox, night"],
  ];
  return byteOrderMark + [columns, ...rows].map(csvLine).join("");
}
