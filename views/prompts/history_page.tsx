/** History: every prompt with how it went. A table, which becomes cards where it is narrow. */
import type { PromptStatus } from "../../lib/prompts/prompt.ts";
import type { PromptChoice } from "../../lib/prompts/prompt_store.ts";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Cost } from "../money/cost.tsx";
import { duration, size } from "../shell/format.ts";
import type { Pagination } from "../json/pagination_json.ts";
import { Layout } from "../shell/layout.tsx";
import { Thumbnail } from "../images/picture.tsx";
import { againName, CardButton } from "./prompt_card.tsx";
import { progressWords } from "./progress_words.ts";
import { Time } from "../shell/time.tsx";

const filters: { only: PromptChoice; query: string; name: string }[] = [
  { only: "all", query: "", name: "All" },
  { only: "COMPLETED", query: "status=COMPLETED", name: "Completed" },
  { only: "FAILED", query: "status=FAILED", name: "Failed" },
  { only: "CANCELLED", query: "status=CANCELLED", name: "Cancelled" },
  { only: "PROCESSING", query: "status=PROCESSING", name: "Running" },
  { only: "PENDING", query: "status=PENDING", name: "Waiting" },
  { only: "edits", query: "kind=edit", name: "Edits" },
];

export function HistoryPage({ user, cursor, prompts, pagination, only }: {
  user: User;
  cursor: string;
  prompts: PromptView[];
  pagination: Pagination;
  only: PromptChoice;
}) {
  const query = filters.find((filter) => filter.only === only)!.query;
  const takesNewOnes = only === "all" && pagination.offset === 0;
  const isBusy = prompts.some(({ stage }) => stage !== null);
  return (
    <Layout title="History" user={user} current="/prompts" live={{ page: "history", cursor, isBusy }}>
      <div class="heading">
        <h1>History</h1>
        <p class="muted">{pagination.total} in all</p>
      </div>
      <nav class="filters" aria-label="Which prompts">
        {filters.map((filter) => (
          <a
            href={filter.query === "" ? "/prompts" : `/prompts?${filter.query}`}
            aria-current={filter.only === only ? "true" : undefined}
          >
            {filter.name}
          </a>
        ))}
      </nav>
      <table class="history">
        <thead>
          <tr>
            <th scope="col">Prompt</th>
            <th scope="col">Status</th>
            <th scope="col">Cost</th>
            <th scope="col">Time</th>
            <th scope="col">When</th>
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody id="history" data-keep="50" data-fixed={takesNewOnes ? undefined : ""}>
          {prompts.map((view) => <HistoryRow view={view} zone={user.timeZone} />)}
        </tbody>
      </table>
      <div class="empty">
        <p>Nothing here yet. Each prompt is kept here, with how it went and what it cost.</p>
        {only === "all"
          ? <a class="button primary" href="/generator">Make the first picture</a>
          : <a class="button" href="/prompts">Show all</a>}
      </div>
      <MoreLink
        pagination={pagination}
        path="/prompts"
        query={query && `${query}&`}
        name="Older prompts"
      />
    </Layout>
  );
}

const statusNames: { [status in PromptStatus]: string } = {
  PENDING: "Waiting",
  PROCESSING: "Running",
  COMPLETED: "Completed",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
};

export function HistoryRow({ view, zone }: { view: PromptView; zone?: string }) {
  const { prompt, images, entry, failure, durationMs } = view;
  const { text, model, imageSize } = prompt.request;
  return (
    <tr
      id={`row-${prompt.id}`}
      data-prompt-id={prompt.id}
      data-status={prompt.status}
      data-version={view.cursor}
    >
      <td>
        <div class="what">
          {images.length > 0 && (
            <a class="thumb" href={`/images/${images[0].image.id}`}>
              <Thumbnail image={images[0].image} text={text} />
            </a>
          )}
          <div>
            <p class="text" dir="auto">{text}</p>
            <p class="muted">
              {model} · {size(imageSize)} · <a href={`/recipes/new?from=${prompt.id}`}>Save as recipe</a>
            </p>
            {failure !== null && (
              <p class="muted">
                {failure.message}. {failure.detail && <q dir="auto">{failure.detail}</q>} {failure.cost}
              </p>
            )}
          </div>
        </div>
      </td>
      <td data-name="Status">
        <span class={`status ${prompt.status.toLowerCase()}`}>
          {durationMs === null ? progressWords(view) : statusNames[prompt.status]}
        </span>
      </td>
      <td data-name="Cost" class="number">
        {entry === null ? "–" : <Cost cost={entry} isCompleted={prompt.status === "COMPLETED"} />}
      </td>
      <td data-name="Time" class="number">{durationMs === null ? "–" : duration(durationMs)}</td>
      <td data-name="When">
        <Time at={prompt.createdAt} zone={zone} />
      </td>
      <td>
        {durationMs === null
          ? <CardButton action={`/prompts/${prompt.id}/cancel`} name="Cancel" />
          : <CardButton action={`/prompts/${prompt.id}/retry`} name={againName(prompt, "Again")} />}
      </td>
    </tr>
  );
}

export function MoreLink(
  { pagination, path, query, name }: { pagination: Pagination; path: string; query: string; name: string },
) {
  return (
    <nav class="more" aria-label="More">
      {pagination.offset > 0 && (
        <a class="button" href={path + (query && `?${query.slice(0, -1)}`)}>
          Newest
        </a>
      )}
      {pagination.next && <a class="button" href={`${path}?${query}cursor=${pagination.next}`}>{name}</a>}
    </nav>
  );
}
