/** From rows that are asked for to a plan: each is checked as a single request is, and priced; all of them, or none. */
import type { Blobs } from "../blobs/blobs.ts";
import type { Models } from "../catalog/models.ts";
import { cutText } from "../graphemes.ts";
import { findNamedOfEach } from "../images/named.ts";
import { checkPromptRequest, type Named, namedIn } from "../prompts/prompt_request.ts";
import { type Lane, quoteOf } from "../prompts/quote.ts";
import { demandBoard } from "../prompts/request_prompt.ts";
import { findUsable, useName } from "../recipes/use_recipe.ts";
import { filingNow, quoteRetry, recipeNow } from "../prompts/retry.ts";
import { notFound, Refusal, type RowProblem } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { AskedRow, AskedRows, Dimension } from "./asked_rows.ts";
import type { Axis, Batch } from "./batch.ts";
import { readAllRows } from "./batch_rows.ts";
import type { BatchPlan, BatchRow } from "./plan.ts";
import { type FiledQuote, planQuotes } from "./plan_quotes.ts";

export interface PlanDeps {
  store: Store;
  models: Models;
  promptMaxChars: number;
  /** Rows of one batch at most. */
  batchMaxRows: number;
}

/** Pictures of one batch at most. */
export const mostImages = 2000;

/** Whoever sent more mistakes is told of the first ones. */
const mostProblems = 20;

/**
 * Refuses with the code of the first row that can't be, and names all such rows, up to twenty. More rows or pictures than
 * a batch may have are refused with `invalid_request` before a single row is made.
 */
export async function planBatch(
  deps: PlanDeps,
  { userId, asked, lane = "now" }: { userId: string; asked: AskedRows; lane?: Lane },
): Promise<BatchPlan> {
  demandFew(asked.count, deps);
  const rows = Array.from({ length: asked.count }, (_, index) => asked.row(index));
  const requests = rows.map(({ input }) => namedIn(input));
  const uses = requests.flatMap(({ recipe }) => recipe ?? []);
  const [named, usable] = await Promise.all([
    findNamedOfEach(deps.store, { userId, requests }),
    findUsable(deps.store, { userId, uses }),
  ]);
  const plan = planQuotes(checkAll(deps, { rows, named, usable, lane }));
  if (plan.images > mostImages) {
    throw tooMany(`These rows make ${count(plan.images)} pictures`, mostImages);
  }
  return { ...plan, axes: axesOf(asked.dimensions) };
}

function demandFew(rows: number, { batchMaxRows }: PlanDeps): void {
  if (rows === 0) throw new Refusal("invalid_request", "There is no row yet", { field: "rows" });
  if (rows > batchMaxRows) throw tooMany(`This makes ${count(rows)} rows`, batchMaxRows);
}

function tooMany(words: string, most: number): Refusal {
  return new Refusal("invalid_request", `${words}; a batch has at most ${count(most)}`, { field: "rows" });
}

function count(number: number): string {
  if (number <= Number.MAX_SAFE_INTEGER) return number.toLocaleString("en-US");
  return `more than ${Number.MAX_SAFE_INTEGER.toLocaleString("en-US")}`;
}

function checkAll(
  { models, promptMaxChars: maxChars }: PlanDeps,
  { rows, named, usable, lane }: {
    rows: readonly AskedRow[];
    named: readonly (Named | null)[];
    /** Names of recipes' versions. */
    usable: ReadonlySet<string>;
    lane: Lane;
  },
): FiledQuote[] {
  return quoteAll(rows, ({ input, fault }, i) => {
    if (fault !== undefined) throw new Refusal("invalid_request", fault);
    const ofRow = named[i];
    if (ofRow === null) throw notFound();
    const { filing, recipe, ...checked } = checkPromptRequest(input, { models, maxChars, named: ofRow });
    if (recipe !== undefined && !usable.has(useName(recipe))) throw notFound();
    return { ...quoteOf(models, { ...checked, lane }), filing, recipe };
  });
}

/** The same rows once more, as they were checked then, at today's prices. Refuses like `planBatch`. */
export async function planAgain(
  { store, models, blobs }: { store: Store; models: Models; blobs: Pick<Blobs, "open"> },
  { batch: { id, userId, axes }, lane = "now" }: {
    batch: Pick<Batch, "id" | "userId" | "axes">;
    lane?: Lane;
  },
): Promise<BatchPlan> {
  const rows = await Array.fromAsync(readAllRows(blobs, id), async (row, i) => ({
    number: i + 1,
    place: `row ${i + 1}`,
    row,
    filing: await filingNow(store, { userId, filing: row.filing }),
    recipe: await recipeNow(store, row),
  }));
  const quotes = quoteAll(rows, ({ row, filing, recipe }) => {
    return { ...quoteOf(models, { ...quoteRetry(models, row), lane }), filing, recipe };
  });
  return { ...planQuotes(quotes), axes };
}

/** A plan whose pictures go onto a board as well, where their rows name none; refuses with `not_found`. */
export async function filedOnto(
  store: Store,
  { userId, plan, boardId }: { userId: string; plan: BatchPlan; boardId: string | null },
): Promise<BatchPlan> {
  if (boardId === null) return plan;
  await demandBoard(store, { userId, boardId });
  const rows = plan.rows.map((row): BatchRow => ({
    ...row,
    filing: { tags: row.filing?.tags ?? [], boardId: row.filing?.boardId ?? boardId },
  }));
  return { ...plan, rows };
}

/** All of them, or the refusals of those that can't be. */
function quoteAll<Row extends Pick<AskedRow, "number" | "place">>(
  rows: readonly Row[],
  quoteRow: (row: Row, index: number) => FiledQuote,
): FiledQuote[] {
  const quotes: FiledQuote[] = [];
  const refused: { row: Row; refusal: Refusal }[] = [];
  for (const [i, row] of rows.entries()) {
    try {
      quotes.push(quoteRow(row, i));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push({ row, refusal: error });
      if (refused.length === mostProblems) break;
    }
  }
  if (refused.length > 0) throw refusalOf(refused);
  return quotes;
}

function refusalOf(
  refused: readonly { row: Pick<AskedRow, "number" | "place">; refusal: Refusal }[],
): Refusal {
  const problems = refused.map(({ row, refusal: { field, message } }): RowProblem => ({
    row: row.number,
    field,
    message: `${row.place}: ${message}`,
  }));
  const [{ refusal: { code, field } }] = refused;
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  return new Refusal(code, problems[0].message + more, { field: field ?? undefined, problems });
}

const axisChars = { most: 60, least: 10, together: 12_000 };

/** They are kept in the record of the batch, so long texts are cut. */
function axesOf(dimensions: readonly Dimension[]): Axis[] | null {
  if (dimensions.length !== 2) return null;
  const all = dimensions.reduce((sum, { count }) => sum + count, 0);
  const chars = Math.max(axisChars.least, Math.min(axisChars.most, Math.floor(axisChars.together / all)));
  return dimensions.map(({ field, count, label }) => ({
    field,
    values: Array.from({ length: count }, (_, i) => shortened(label(i), chars)),
  }));
}

function shortened(text: string, chars: number): string {
  const beginning = cutText(text, { chars: chars - 1 });
  return beginning === text ? text : `${beginning}…`;
}
