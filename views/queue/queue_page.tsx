/** A person's own queue: what runs, what waits in its order, and what can be done about it. */
import type { OwnQueue, WaitingBatch, WaitingView } from "../../lib/live/own_queue.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { dollars, plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { pausesOf, QueueMark } from "./queue_news.tsx";
import { RunningRow, runningRowsId, WaitingRow } from "./queue_rows.tsx";

export interface QueueProps {
  user: Reader;
  /** What is shown is as of here. */
  cursor: string;
  queue: OwnQueue;
  /** What was cancelled together a short while ago, and can be sent again. */
  cancelled: { count: number; holdMicros: number } | null;
}

export function QueuePage({ problem, ...props }: QueueProps & { problem: string | null }) {
  const { user, cursor } = props;
  return (
    <Layout title="Queue" user={user} current="/queue" live={{ page: "queue", cursor }}>
      <div class="heading">
        <h1>Queue</h1>
        <noscript>
          <a href="/queue">Look again</a>
        </noscript>
      </div>
      {problem !== null && <ErrorText message={problem} />}
      <QueueMark cursor={cursor} queue={user.queue} />
      <QueueList {...props} />
    </Layout>
  );
}

/** The answer to what was done by hand: the list as it is then, and in words what has become of it. */
export function QueueFragment({ said, ...props }: QueueProps & { said?: string }) {
  return (
    <>
      <QueueList {...props} />
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
      {said && <hx-partial hx-target="#announcer" hx-swap="textContent">{said}</hx-partial>}
    </>
  );
}

/** Asked for again when something has changed. */
function QueueList({ user, cursor, queue, cancelled }: QueueProps) {
  const { running, runningCount, waiting, waitingCount, batches } = queue;
  const byId = new Map(batches.map((batch) => [batch.id, batch]));
  const areWaiting = new Set(waiting.map(({ view }) => view.prompt.batchId));
  return (
    <div
      id="queue"
      class="queue"
      data-version={cursor}
      data-pauses={pausesOf(user.queue)}
      hx-get="/queue/list"
      hx-trigger="stale"
      hx-swap="outerMorph"
      {...{ "hx-status:4xx": "target:#notice swap:innerHTML" }}
    >
      <Controls user={user} queue={queue} />
      {cancelled !== null && <SendAgain {...cancelled} />}
      <form class="selection" method="post" action="/queue/selection">
        <section aria-labelledby="what-runs">
          <h2 id="what-runs">{runningCount === 0 ? "Nothing runs" : `${runningCount} running`}</h2>
          <ul id={runningRowsId} class="queue-rows" data-fixed="">
            {running.map((view) => <RunningRow view={view} />)}
          </ul>
          {running.length < runningCount && <p class="muted">and {runningCount - running.length} more</p>}
        </section>
        <section aria-labelledby="what-waits">
          <h2 id="what-waits">{waitingCount === 0 ? "Nothing waits" : `${waitingCount} waiting`}</h2>
          <ol id="waiting-rows" class="queue-rows">
            {groupsOf(waiting).map(({ batchId, rows, isLastOfBatch }) =>
              batchId === null
                ? rows.map((row) => <WaitingRow waiting={row} />)
                : <BatchRows batchId={batchId} rows={rows} batch={byId.get(batchId)} isLast={isLastOfBatch} />
            )}
            {batches.filter(({ id, rowsToCome }) => rowsToCome > 0 && !areWaiting.has(id)).map((batch) => (
              <BatchRows batchId={batch.id} rows={[]} batch={batch} isLast />
            ))}
          </ol>
          {waiting.length < waitingCount && (
            <p class="muted">and {waitingCount - waiting.length} more behind them</p>
          )}
          {runningCount + waitingCount === 0 && <Empty />}
        </section>
        <div class="bar">
          <SelectionButton action="front" name="To the front" />
          <SelectionButton action="back" name="To the back" />
          <SelectionButton action="cancel" name="Cancel" isDanger />
          <button type="reset" class="quiet">Select none</button>
        </div>
      </form>
    </div>
  );
}

function Controls({ user, queue }: { user: Reader; queue: OwnQueue }) {
  const { waitingCount, batches, holdMicros } = queue;
  const rows = batches.reduce((sum, { rowsToCome }) => sum + rowsToCome, 0);
  const what = [
    ...waitingCount > 0 ? [plural(waitingCount, "prompt")] : [],
    ...rows > 0 ? [`${plural(rows, "row")} of batches`] : [],
  ].join(" and ");
  const isPaused = user.queue?.notices.some(({ scope }) => scope === "user");
  return (
    <div class="controls">
      {isPaused
        ? <ActionForm action="/queue/resume" name="Resume my queue" isPrimary />
        : <ActionForm action="/queue/pause" name="Pause my queue" />}
      {what !== "" && (
        <details class="confirm">
          <summary>Cancel all that wait</summary>
          <p>
            {what} will not be made.{holdMicros > 0 && ` That releases ${dollars(holdMicros)}.`}
          </p>
          <ActionForm action="/queue/cancel" name={`Cancel ${what}`} isDanger />
        </details>
      )}
    </div>
  );
}

function SendAgain({ count, holdMicros }: { count: number; holdMicros: number }) {
  return (
    <div class="again">
      <p>{plural(count, "prompt was", "prompts were")} cancelled.</p>
      <ActionForm
        action="/queue/send-again"
        name={`Send ${count === 1 ? "it" : `all ${count}`} again · ${
          holdMicros === 0 ? "free" : `at most ${dollars(holdMicros)}`
        }`}
      />
    </div>
  );
}

function Empty() {
  return (
    <div class="empty">
      <p>
        What you ask for while others of yours are being made waits here, in an order that you can change.
      </p>
      <a class="button primary" href="/generator">Make a picture</a>
    </div>
  );
}

/** Rows of one batch that stand together are one line, which opens. */
function BatchRows({ batchId, rows, batch, isLast }: {
  batchId: string;
  rows: WaitingView[];
  batch: WaitingBatch | undefined;
  /** None of its rows waits behind these; those that are still to come will. */
  isLast: boolean;
}) {
  const waiting = rows.length === 0 ? "" : `${plural(rows.length, "row waits", "rows wait")} here`;
  const coming = isLast && batch?.rowsToCome ? `${plural(batch.rowsToCome, "is", "are")} still to come` : "";
  return (
    <li class="batch-rows">
      <details id={`rows-of-${rows.at(0)?.view.prompt.id ?? batchId}`}>
        <summary>{`${batch?.name ?? "A batch"}: ${[waiting, coming].filter(Boolean).join(", ")}`}</summary>
        <p>
          <a href={`/batches/${batchId}`}>To the batch</a>
        </p>
        <ol class="queue-rows">{rows.map((row) => <WaitingRow waiting={row} />)}</ol>
      </details>
    </li>
  );
}

interface Group {
  batchId: string | null;
  rows: WaitingView[];
  isLastOfBatch: boolean;
}

function groupsOf(waiting: readonly WaitingView[]): Group[] {
  const groups: Group[] = [];
  for (const row of waiting) {
    const { batchId } = row.view.prompt;
    const last = groups.at(-1);
    if (last?.batchId === batchId) last.rows.push(row);
    else groups.push({ batchId, rows: [row], isLastOfBatch: false });
  }
  return groups.map((group, i) => ({
    ...group,
    isLastOfBatch: !groups.slice(i + 1).some(({ batchId }) => batchId === group.batchId),
  }));
}

function ActionForm({ action, name, isPrimary = false, isDanger = false }: {
  action: string;
  name: string;
  isPrimary?: boolean;
  isDanger?: boolean;
}) {
  const look = isPrimary ? "primary" : isDanger ? "danger" : undefined;
  return (
    <form
      method="post"
      action={action}
      hx-post={action}
      hx-target="#queue"
      hx-swap="outerMorph"
      hx-disable="find button"
    >
      <button class={look} type="submit">{name}</button>
    </form>
  );
}

function SelectionButton({ action, name, isDanger }: { action: string; name: string; isDanger?: boolean }) {
  return (
    <button
      type="submit"
      name="action"
      value={action}
      class={isDanger ? "danger" : undefined}
      hx-post="/queue/selection"
      hx-target="#queue"
      hx-swap="outerMorph"
    >
      {name}
    </button>
  );
}
