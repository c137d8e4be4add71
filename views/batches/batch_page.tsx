/** A batch: where it stands and what can be done about it, and the sheet of its prints. */
import type { Batch } from "../../lib/batches/batch.ts";
import type { BatchView } from "../../lib/live/batch_view.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { Budget } from "../money/budget.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { dollars, money, plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { progressOf } from "./batch_words.ts";
import { LotLines } from "./lot_lines.tsx";
import { type Contact, ContactSheet, ContactTable, type RowView } from "./contact_sheet.tsx";

export const sheetFilters = ["all", "starred", "unrated", "failed"] as const;
export type SheetFilter = (typeof sheetFilters)[number];
export const sheetOrders = ["row", "stars"] as const;
export type SheetOrder = (typeof sheetOrders)[number];

/** What of a batch is shown. */
export interface SheetChoice {
  only: SheetFilter;
  sort: SheetOrder;
  /** From 1 on. */
  page: number;
}

/** A page of the sheet: as a list of prints, or as lines of a table. */
export type SheetPart =
  & { pages: number }
  & (
    | { contacts: Contact[] }
    | { lines: { at: number; rows: RowView[] }[] }
  );

export interface BatchPageProps {
  user: Reader;
  cursor: string;
  view: BatchView;
  budget: BudgetState;
  choice: SheetChoice;
  part: SheetPart;
  /** What its failed rows would cost once more, at most; null: none failed, or they can't be made again. */
  retryMicros: number | null;
  /** Why something was not done. */
  problem: string | null;
  /** Names this page, so that a button that is pressed twice does it once. */
  requestKey: string;
}

export function BatchPage(props: BatchPageProps) {
  const { user, cursor, view, budget, choice, part, retryMicros, problem, requestKey } = props;
  const { batch } = view;
  const here = addressOf(batch, choice);
  const isBusy = batch.state === "RUNNING" || view.running + view.waiting > 0;
  return (
    <Layout title={batch.name} user={user} current="/batches" live={{ page: "batch", cursor, isBusy }}>
      <div class="heading">
        <h1 dir="auto">{batch.name}</h1>
        <p class="muted">
          {plural(batch.rows, "row")}, <Time at={batch.createdAt} zone={user.timeZone} />
        </p>
      </div>
      {problem !== null && <ErrorText message={problem} />}
      <BatchHead view={view} />
      <div class="batch-more">
        <div class="actions">
          {retryMicros !== null && <RetryFailed {...{ batch, retryMicros, requestKey }} />}
          {batch.counts.images > 0 && (
            <>
              <a class="button" href={`/batches/${batch.id}/pick`}>Pick the best</a>
              {user.isSharing !== false && (
                <a class="button quiet" href={`/shares/new?batchId=${batch.id}`}>
                  {batch.counts.stars > 0 ? "Share those with stars" : "Share"}
                </a>
              )}
              <a class="button quiet" href={`/api/v1/batches/${batch.id}/archive.zip`} download>Download</a>
              {batch.counts.stars > 0 && (
                <a
                  class="button quiet"
                  href={`/api/v1/batches/${batch.id}/archive.zip?only=starred`}
                  download
                >
                  Download those with stars
                </a>
              )}
              <a class="button quiet" href={`/batches/${batch.id}/sheet.jpg?columns=6&labels=1`}>
                Sheet as one file
              </a>
            </>
          )}
          <a class="button quiet" href={`/batches/new?from=${batch.id}`}>Make again</a>
        </div>
        <Budget budget={budget} />
      </div>
      <SheetNavigation batch={batch} choice={choice} />
      <Sheet batch={batch} here={here} part={part} only={choice.only} />
      <Pages batch={batch} choice={choice} pages={part.pages} />
    </Layout>
  );
}

export function batchHeadId(batchId: string): string {
  return `batch-${batchId}`;
}

/** Where it stands in words and as a bar, and what ends, halts or bounds it. */
export function BatchHead({ view }: { view: BatchView }) {
  const { batch } = view;
  const { id, state, rows, counts, providerWords } = batch;
  const ended = counts.completed + counts.failed + counts.cancelled;
  const isGoingOn = state === "RUNNING" || state === "PAUSED";
  return (
    <section id={batchHeadId(id)} class="batch-head" data-state={state} aria-label="Where it stands">
      <p class="batch-words">{progressOf(batch)}</p>
      <progress value={ended} max={rows} aria-label={`${ended} of ${plural(rows, "row")} ended`}></progress>
      <LotLines lots={view.lots} now={view.seenAt} />
      {providerWords !== null && (
        <p class="warning">
          Ten rows in a row were refused: <q dir="auto">{providerWords}</q>{" "}
          Resume once that is put right; nothing waits in vain.
        </p>
      )}
      <div class="actions">
        {state === "RUNNING" && <BatchButton id={id} action="pause" name="Pause" />}
        {state === "PAUSED" && <BatchButton id={id} action="resume" name="Resume" />}
        {isGoingOn && <CancelBatch view={view} />}
        {(isGoingOn || batch.reason === "limit") && batch.mostMicros > 0 && <LimitForm batch={batch} />}
      </div>
    </section>
  );
}

/** The answer to what somebody did with a batch. */
export function BatchChangedFragment({ view, budget }: { view: BatchView; budget: BudgetState }) {
  return (
    <>
      <BatchHeadPartial view={view} />
      <hx-partial hx-target="#budget" hx-swap="outerMorph">
        <Budget budget={budget} />
      </hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}

/** Where a batch stands now, for pages that show it. */
export function BatchHeadPartial({ view }: { view: BatchView }) {
  return (
    <hx-partial hx-target={`#${batchHeadId(view.batch.id)}`} hx-swap="outerMorph">
      <BatchHead view={view} />
    </hx-partial>
  );
}

function BatchButton({ id, action, name }: { id: string; action: string; name: string }) {
  const path = `/batches/${id}/${action}`;
  return (
    <form
      id={`${action}-${id}`}
      method="post"
      action={path}
      hx-post={path}
      hx-target="#notice"
      hx-disable="find button"
    >
      <button type="submit">{name}</button>
    </form>
  );
}

/** Asks once: what has not begun costs nothing, and what runs may. */
function CancelBatch({ view: { batch, waiting, running } }: { view: BatchView }) {
  const path = `/batches/${batch.id}/cancel`;
  const unbegun = batch.rows - batch.next + waiting;
  return (
    <details class="asks">
      <summary>Cancel what waits</summary>
      <form method="post" action={path} hx-post={path} hx-target="#notice" hx-disable="find button">
        <p>
          {plural(unbegun, "row")} that did not begin {unbegun === 1 ? "ends" : "end"} here
          {batch.reserveMicros > 0 && `, which releases ${dollars(batch.reserveMicros)}`}.
          {running > 0 &&
            ` ${plural(running, "prompt")} that ${running === 1 ? "runs" : "run"} may still be charged.`}
        </p>
        <button class="danger" type="submit">Cancel {plural(unbegun + running, "row")}</button>
      </form>
    </details>
  );
}

function LimitForm({ batch: { id, limitMicros, mostMicros } }: { batch: Batch }) {
  const path = `/batches/${id}/limit`;
  return (
    <details class="asks">
      <summary>Change the limit</summary>
      <form method="post" action={path} hx-post={path} hx-target="#notice" hx-disable="find button">
        <div class="field">
          <label for={`limit-${id}`}>Spend at most, in dollars; empty: what all rows can cost</label>
          <input
            id={`limit-${id}`}
            name="limit"
            inputmode="decimal"
            autocomplete="off"
            value={limitMicros === null ? "" : String(limitMicros / 1_000_000)}
            placeholder={String(mostMicros / 1_000_000)}
          />
        </div>
        <button type="submit">Set the limit</button>
      </form>
    </details>
  );
}

function RetryFailed(
  { batch: { id, counts }, retryMicros, requestKey }: {
    batch: Batch;
    retryMicros: number;
    requestKey: string;
  },
) {
  return (
    <form method="post" action={`/batches/${id}/retry-failed`}>
      <input type="hidden" name="requestKey" value={requestKey} />
      <button type="submit" name="price" value={retryMicros}>
        Retry {counts.failed} failed · {retryMicros === 0 ? "free" : `at most ${money(retryMicros)}`}
      </button>
    </form>
  );
}

const filterNames: { [filter in SheetFilter]: string } = {
  all: "All",
  starred: "Starred",
  unrated: "Unrated",
  failed: "Failed",
};

function SheetNavigation({ batch, choice }: { batch: Batch; choice: SheetChoice }) {
  return (
    <div class="sheet-choices">
      <nav class="filters" aria-label="Which pictures">
        {sheetFilters.map((only) => (
          <a
            href={addressOf(batch, { ...choice, only, page: 1 })}
            aria-current={only === choice.only ? "true" : undefined}
          >
            {filterNames[only]}
          </a>
        ))}
      </nav>
      <nav class="filters" aria-label="Order">
        <a
          href={addressOf(batch, { ...choice, sort: "row", page: 1 })}
          aria-current={choice.sort === "row" ? "true" : undefined}
        >
          By row
        </a>
        <a
          href={addressOf(batch, { ...choice, sort: "stars", page: 1 })}
          aria-current={choice.sort === "stars" ? "true" : undefined}
        >
          By stars
        </a>
      </nav>
    </div>
  );
}

function Sheet(
  { batch, here, part, only }: { batch: Batch; here: string; part: SheetPart; only: SheetFilter },
) {
  if ("lines" in part) {
    const [down, across] = batch.axes!;
    return <ContactTable batch={batch} here={here} lines={part.lines} axes={[down, across]} />;
  }
  if (part.contacts.length === 0) return <p class="empty">{emptyWords[only]}</p>;
  return <ContactSheet batch={batch} here={here} contacts={part.contacts} />;
}

const emptyWords: { [filter in SheetFilter]: string } = {
  all: "There is nothing on this page.",
  starred: "No picture has a star yet.",
  unrated: "Every picture that is there has been rated.",
  failed: "No row has failed.",
};

function Pages({ batch, choice, pages }: { batch: Batch; choice: SheetChoice; pages: number }) {
  if (pages <= 1) return null;
  const { page } = choice;
  return (
    <nav class="more pages" aria-label="Pages of the sheet">
      {page > 1 && <a class="button quiet" href={addressOf(batch, { ...choice, page: page - 1 })}>Before</a>}
      <span class="muted">Page {page} of {pages}</span>
      {page < pages && (
        <a class="button quiet" href={addressOf(batch, { ...choice, page: page + 1 })}>
          Next
        </a>
      )}
    </nav>
  );
}

function addressOf({ id }: Batch, { only, sort, page }: SheetChoice): string {
  const query = new URLSearchParams({
    ...only !== "all" && { only },
    ...sort !== "row" && { sort },
    ...page !== 1 && { page: String(page) },
  }).toString();
  return query === "" ? `/batches/${id}` : `/batches/${id}?${query}`;
}
