/** A change as the fragments that each page shows: the same components that rendered it at first. */
import type { Child } from "hono/jsx";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { BatchChange, Change, News, OwnNews, Standing, TopicNews } from "../../lib/live/read_changes.ts";
import type { Topic } from "../../lib/live/topic.ts";
import { BatchHeadPartial } from "../batches/batch_page.tsx";
import { BatchStatePartial } from "../batches/batches_page.tsx";
import { LiveContacts } from "../batches/contact_sheet.tsx";
import { Budget } from "../money/budget.tsx";
import { money } from "../shell/format.ts";
import { HistoryRow } from "./history_page.tsx";
import { isOwnPage, type OwnPage } from "../shell/live_page.ts";
import { TopicPartials } from "../shell/topic_news.tsx";
import { DeletedNotice } from "../images/deleted_notice.tsx";
import { editsId } from "../images/edit_page.tsx";
import { goneId } from "../images/image_page.tsx";
import { TagsPartial } from "../images/marks.tsx";
import { Tile, tileId } from "../images/picture.tsx";
import { RatingPartials } from "../images/rating.tsx";
import { PauseNotices } from "../queue/pause_notices.tsx";
import { QueueNews, RunningNews } from "../queue/queue_news.tsx";
import { NoticesNews } from "../people/notices_page.tsx";
import { NewNotices, RunningCount } from "../shell/navigation.tsx";
import { cardId, PromptCard } from "./prompt_card.tsx";

const ownFragments: { [page in OwnPage]: Fragmented } = {
  dashboard: told({
    prompt: (change) => (
      <>
        <Running change={change} />
        <Tiles change={change} list="#recent-images" />
      </>
    ),
  }),
  generator: told({
    prompt: (change) => (
      <>
        <hx-partial hx-target="#cards" hx-swap="place">
          <PromptCard view={change.view} />
        </hx-partial>
        <Tiles change={change} list="#recent-images" />
      </>
    ),
  }),
  gallery: told({ prompt: (change) => <Tiles change={change} list="#gallery" isSelectable /> }),
  history: told({
    prompt: ({ view }) => (
      <hx-partial hx-target="#history" hx-swap="place">
        <HistoryRow view={view} />
      </hx-partial>
    ),
  }),
  batch: told({
    prompt: ({ view }) => <Contact view={view} />,
    batch: (change) => <BatchStands {...change} />,
  }),
  queue: told({
    prompt: ({ view }) => <RunningNews view={view} />,
    any: (news) => <QueueNews news={news} />,
  }),
  notices: told({ prompt: () => null, any: (news) => <NoticesNews news={news} /> }),
  other: told({
    prompt: (change) => (
      <>
        <Gone change={change} />
        <Marks change={change} />
        <Edits change={change} />
      </>
    ),
  }),
};

/** A page of something that several people look at, and what it is called there. */
export interface TopicPage {
  topic: Topic;
  /** On a board, the picture that it shows. */
  imageId: string | null;
  /** Of a recipe, the version that it shows. */
  version?: number;
}

/** What a page is called, with what it shows; null: no page is called that. */
export function readPageName(name: string): { own: OwnPage } | TopicPage | null {
  if (isOwnPage(name)) return { own: name };
  const [kind, id, imageId, ...rest] = name.split(":");
  if (rest.length > 0 || !isIdLike(id)) return null;
  if (kind === "board" && imageId === undefined) return { topic: { kind: "board", id }, imageId: null };
  if (kind === "recipe" && /^[1-9]\d{0,8}$/.test(imageId ?? "")) {
    return { topic: { kind, id }, imageId: null, version: Number(imageId) };
  }
  return kind === "picture" && isIdLike(imageId) ? { topic: { kind: "board", id }, imageId } : null;
}

function isIdLike(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f-]{36}$/.test(text);
}

/** The fragments of what is told that such a page shows. */
export function fragmentsOf(page: { own: OwnPage } | TopicPage): Fragmented {
  if ("own" in page) return ownFragments[page.own];
  const { topic, imageId, version } = page;
  const changes = version === undefined
    ? `/boards/${topic.id}/changes${imageId === null ? "" : `?image=${imageId}`}`
    : `/recipes/${topic.id}/versions/${version}/changes`;
  const others = imageId === null ? told({ prompt: () => null }) : ownFragments.other;
  return (news) => {
    if (!isOfTopic(news)) return others(news);
    const isOfThis = news.topic.kind === topic.kind && news.topic.id === topic.id;
    return isOfThis ? message(<TopicPartials news={news} changes={changes} />) : { data: "" };
  };
}

type Fragments = { toString(): string | Promise<string> };
export type Fragmented = (news: News) => { data: string };

/** A page's fragments of a prompt, of a batch, and of whatever is told; all pages show where budget and queue stand. */
function told({ prompt, batch, any }: {
  prompt: (change: Change) => Child;
  batch?: (change: BatchChange) => Child;
  any?: (news: OwnNews) => Child;
}): Fragmented {
  return (news) => {
    if (isOfTopic(news)) return { data: "" };
    return message(
      <>
        {isOfPrompt(news) && prompt(news)}
        {isOfBatch(news) && batch?.(news)}
        {any?.(news)}
        <StandingNews {...news} />
        {isOfPrompt(news) && <Announcement view={news.view} />}
      </>,
    );
  };
}

function isOfTopic(news: News): news is TopicNews {
  return "topic" in news;
}

function isOfPrompt(news: News): news is Change {
  return "view" in news;
}

function isOfBatch(news: News): news is BatchChange {
  return "batch" in news;
}

/** Fragments hold no component that waits, so their text is there at once. */
function message(fragments: Fragments): { data: string } {
  const text = fragments.toString();
  if (typeof text !== "string") throw new Error("A live fragment must not wait");
  return { data: text };
}

/** The answer to a change that somebody made by hand. */
export function ChangedFragment({ view, budget }: Pick<Change, "view" | "budget">) {
  return (
    <>
      <hx-partial hx-target="#cards" hx-swap="place">
        <PromptCard view={view} />
      </hx-partial>
      <Edits change={{ view }} />
      <hx-partial hx-target="#history" hx-swap="place">
        <HistoryRow view={view} />
      </hx-partial>
      <BudgetNews budget={budget} />
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}

/** On the sheet of its batch. */
function Contact({ view }: { view: PromptView }) {
  const { batchId } = view.prompt;
  if (batchId === null) return null;
  return (
    <hx-partial hx-target="#contacts" hx-swap="place">
      <LiveContacts batchId={batchId} view={view} />
    </hx-partial>
  );
}

/** Where a batch stands, on its page and in the list of all. */
function BatchStands({ batch }: BatchChange) {
  return (
    <>
      <BatchHeadPartial view={batch} />
      <BatchStatePartial view={batch} />
    </>
  );
}

/** What runs, and what it has come to once it has ended. */
function Running({ change: { view } }: { change: Change }) {
  if (view.durationMs === null) {
    return (
      <hx-partial hx-target="#running" hx-swap="place">
        <PromptCard view={view} />
      </hx-partial>
    );
  }
  return (
    <>
      <hx-partial hx-target={`#${cardId(view.prompt.id)}`} hx-swap="delete"></hx-partial>
      <hx-partial hx-target="#renewal" hx-swap="outerHTML">
        <Renewal />
      </hx-partial>
    </>
  );
}

/** Once it is on the page it asks for the figures anew. */
function Renewal() {
  return (
    <span
      id="renewal"
      hidden
      hx-get="/dashboard/figures"
      hx-trigger="load"
      hx-target="#figures"
      hx-swap="outerMorph"
    >
    </span>
  );
}

function Tiles(
  { change: { view }, list, isSelectable }: { change: Change; list: string; isSelectable?: boolean },
) {
  return (
    <>
      {view.images.length > 0 && (
        <hx-partial hx-target={list} hx-swap="place">
          {view.images.map((image) => <Tile view={image} isSelectable={isSelectable} />)}
        </hx-partial>
      )}
      {view.named.filter(({ isDeleted }) => isDeleted).map(({ id }) => (
        <hx-partial hx-target={`#${tileId(id)}`} hx-swap="delete"></hx-partial>
      ))}
    </>
  );
}

/** What people have said of a picture, on a page that shows it large. */
function Marks({ change: { view } }: { change: Change }) {
  return (
    <>
      {view.images.map(({ image }) => (
        <>
          <RatingPartials image={image} />
          <TagsPartial image={image} />
        </>
      ))}
    </>
  );
}

/** A picture's own page says that it was deleted elsewhere, and no more once that is undone. */
function Gone({ change: { view: { named } } }: { change: Change }) {
  return (
    <>
      {named.map((image) => (
        <hx-partial hx-target={`#${goneId(image.id)}`} hx-swap="innerHTML">
          {image.isDeleted && <DeletedNotice images={[image]} />}
        </hx-partial>
      ))}
    </>
  );
}

/** A picture that is being changed shows what comes of it. */
function Edits({ change: { view } }: { change: Pick<Change, "view"> }) {
  const base = view.prompt.request.edit?.sources.find(({ role }) => role === "base");
  if (base === undefined) return null;
  return (
    <hx-partial hx-target={`#${editsId(base.imageId)}`} hx-swap="place">
      <PromptCard view={view} />
    </hx-partial>
  );
}

function Announcement({ view }: { view: PromptView }) {
  if (!isNews(view)) return null;
  return <hx-partial hx-target="#announcer" hx-swap="textContent">{announcement(view)}</hx-partial>;
}

/** What every page shows of its reader, whatever else it shows. */
function StandingNews({ budget, queue, newNotices }: Standing) {
  return (
    <>
      <hx-partial hx-target="#new-notices" hx-swap="outerMorph">
        <NewNotices count={newNotices} />
      </hx-partial>
      <hx-partial hx-target="#running-count" hx-swap="outerMorph">
        <RunningCount queue={queue} />
      </hx-partial>
      <hx-partial hx-target="#paused" hx-swap="outerMorph">
        <PauseNotices queue={queue} />
      </hx-partial>
      <BudgetNews budget={budget} />
    </>
  );
}

function BudgetNews({ budget }: Pick<Standing, "budget">) {
  return (
    <hx-partial hx-target="#budget" hx-swap="outerMorph">
      <Budget budget={budget} />
    </hx-partial>
  );
}

/** Its end, and no more what people do with its pictures later on. */
function isNews({ prompt, images }: PromptView): boolean {
  if (!("finishedAt" in prompt)) return false;
  const { finishedAt, updatedAt } = prompt;
  return updatedAt === finishedAt || images.some(({ image }) => image.createdAt > finishedAt);
}

function announcement({ prompt, failure, entry }: PromptView): string {
  const cost = entry === null ? "" : `, ${money(entry.costMicros)}`;
  return `${failure?.message ?? "Picture ready"}${cost}: ${prompt.request.text}`;
}
