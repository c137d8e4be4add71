/** All batches of a person, newest first. */
import type { BatchPicture } from "../../lib/batches/batch_pictures.ts";
import type { BatchView } from "../../lib/live/batch_view.ts";
import type { User } from "../../lib/users/user.ts";
import type { Pagination } from "../json/pagination_json.ts";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Thumbnail } from "../images/picture.tsx";
import { Time } from "../shell/time.tsx";
import { progressOf } from "./batch_words.ts";

export interface ListedBatch {
  view: BatchView;
  /** A few of its pictures. */
  first: readonly BatchPicture[];
}

export function BatchesPage({ user, cursor, batches, pagination }: {
  user: User;
  cursor: string;
  batches: readonly ListedBatch[];
  pagination: Pagination;
}) {
  const isBusy = batches.some(({ view }) => view.batch.state === "RUNNING");
  return (
    <Layout title="Batches" user={user} current="/batches" live={{ page: "batch", cursor, isBusy }}>
      <div class="heading">
        <h1>Batches</h1>
        {pagination.total > 0 && (
          <>
            <p class="muted">{pagination.total} in all</p>
            <div class="actions">
              <a class="button primary" href="/batches/new">Many at once</a>
            </div>
          </>
        )}
      </div>
      {pagination.total === 0
        ? (
          <div class="empty">
            <p>A batch makes many pictures from one list, at one price that is never passed.</p>
            <a class="button primary" href="/batches/new">Make many at once</a>
          </div>
        )
        : <ul class="batches">{batches.map((each) => <BatchLine {...each} zone={user.timeZone} />)}</ul>}
      {pagination.next !== null && (
        <nav class="more" aria-label="Batches">
          <a class="button quiet" href={`/batches?cursor=${pagination.next}`}>Older batches</a>
        </nav>
      )}
    </Layout>
  );
}

function batchLineId(batchId: string): string {
  return `batch-line-${batchId}`;
}

function BatchLine({ view, first, zone }: ListedBatch & { zone?: string }) {
  const { batch } = view;
  return (
    <li>
      <h2 dir="auto">
        <a href={`/batches/${batch.id}`}>{batch.name}</a>
      </h2>
      <BatchState view={view} />
      {first.length > 0 && (
        <p class="first-prints">
          {first.map(({ image, prompt }) => <Thumbnail image={image} text={prompt.request.text} />)}
        </p>
      )}
      <p class="muted">
        {plural(batch.rows, "row")}, <Time at={batch.createdAt} zone={zone} />
      </p>
    </li>
  );
}

/** The same as it is now, for pages that list it. */
export function BatchStatePartial({ view }: { view: BatchView }) {
  return (
    <hx-partial hx-target={`#${batchLineId(view.batch.id)}`} hx-swap="outerMorph">
      <BatchState view={view} />
    </hx-partial>
  );
}

/** What of its line changes. */
function BatchState({ view: { batch } }: { view: BatchView }) {
  const { completed, failed, cancelled } = batch.counts;
  const ended = completed + failed + cancelled;
  return (
    <div id={batchLineId(batch.id)} class="batch-state" data-state={batch.state}>
      <p>{progressOf(batch)}</p>
      <progress value={ended} max={batch.rows} aria-label={`${ended} of ${plural(batch.rows, "row")} ended`}>
      </progress>
    </div>
  );
}
