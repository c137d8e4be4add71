/** A change as the fragments that each page shows: the same components that rendered it at first. */
import type { BatchChange, Change, News } from "../../lib/live/read_changes.ts";
import type { Encode } from "../../lib/live/reader.ts";
import { BatchHeadPartial } from "../batches/batch_page.tsx";
import { BatchStatePartial } from "../batches/batches_page.tsx";
import { LiveContacts } from "../batches/contact_sheet.tsx";
import { Budget } from "../money/budget.tsx";
import { money } from "../shell/format.ts";
import { HistoryRow } from "./history_page.tsx";
import type { LivePage } from "../shell/live_page.ts";
import { DeletedNotice } from "../images/deleted_notice.tsx";
import { editsId } from "../images/edit_page.tsx";
import { goneId } from "../images/image_page.tsx";
import { TagsPartial } from "../images/marks.tsx";
import { Tile, tileId } from "../images/picture.tsx";
import { MarkPartial, RatingPartials } from "../images/rating.tsx";
import { cardId, PromptCard } from "./prompt_card.tsx";

export const liveFragments: { [page in LivePage]: Encode } = {
  dashboard: told((change) => (
    <>
      <Running change={change} />
      <Tiles change={change} list="#recent-images" />
      <Everywhere change={change} />
    </>
  )),
  generator: told((change) => (
    <>
      <hx-partial hx-target="#cards" hx-swap="place">
        <PromptCard view={change.view} />
      </hx-partial>
      <Tiles change={change} list="#recent-images" />
      <Everywhere change={change} />
    </>
  )),
  gallery: told((change) => (
    <>
      <Tiles change={change} list="#gallery" isSelectable />
      <Everywhere change={change} />
    </>
  )),
  history: told((change) => (
    <>
      <hx-partial hx-target="#history" hx-swap="place">
        <HistoryRow view={change.view} />
      </hx-partial>
      <Everywhere change={change} />
    </>
  )),
  batch: (news) => message(isOfPrompt(news) ? <Contacts change={news} /> : <BatchStands {...news} />),
  other: told((change) => (
    <>
      <Gone change={change} />
      <Marks change={change} />
      <Edits change={change} />
      <Everywhere change={change} />
    </>
  )),
};

type Fragments = { toString(): string | Promise<string> };

/** A page's fragments of a changed prompt; of a batch all pages show the same. */
function told(render: (change: Change) => Fragments): Encode {
  return (news) => message(isOfPrompt(news) ? render(news) : <BudgetNews {...news} />);
}

function isOfPrompt(news: News): news is Change {
  return "view" in news;
}

/** Fragments hold no component that waits, so their text is there at once. */
function message(fragments: Fragments): { data: string } {
  const text = fragments.toString();
  if (typeof text !== "string") throw new Error("A live fragment must not wait");
  return { data: text };
}

/** The answer to a change that somebody made by hand. */
export function ChangedFragment({ view, budget }: Change) {
  return (
    <>
      <hx-partial hx-target="#cards" hx-swap="place">
        <PromptCard view={view} />
      </hx-partial>
      <Edits change={{ view, budget }} />
      <hx-partial hx-target="#history" hx-swap="place">
        <HistoryRow view={view} />
      </hx-partial>
      <BudgetNews budget={budget} />
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}

/** On the sheet of its batch. */
function Contacts({ change }: { change: Change }) {
  const { view } = change;
  const { batchId } = view.prompt;
  return (
    <>
      {batchId !== null && (
        <hx-partial hx-target="#contacts" hx-swap="place">
          <LiveContacts batchId={batchId} view={view} />
        </hx-partial>
      )}
      <Everywhere change={change} />
    </>
  );
}

/** Where a batch stands, on its page and in the list of all. */
function BatchStands({ batch, budget }: BatchChange) {
  return (
    <>
      <BatchHeadPartial view={batch} />
      <BatchStatePartial view={batch} />
      <BudgetNews budget={budget} />
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
      {view.images.map(({ image }) => <MarkPartial image={image} />)}
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
function Edits({ change: { view } }: { change: Change }) {
  const base = view.prompt.request.edit?.sources.find(({ role }) => role === "base");
  if (base === undefined) return null;
  return (
    <hx-partial hx-target={`#${editsId(base.imageId)}`} hx-swap="place">
      <PromptCard view={view} />
    </hx-partial>
  );
}

function Everywhere({ change: { view, budget } }: { change: Change }) {
  return (
    <>
      <BudgetNews budget={budget} />
      {isNews(view) && (
        <hx-partial hx-target="#announcer" hx-swap="textContent">{announcement(view)}</hx-partial>
      )}
    </>
  );
}

function BudgetNews({ budget }: Pick<News, "budget">) {
  return (
    <hx-partial hx-target="#budget" hx-swap="outerMorph">
      <Budget budget={budget} />
    </hx-partial>
  );
}

/** Its end, and no more what people do with its pictures later on. */
function isNews({ prompt, images }: Change["view"]): boolean {
  if (!("finishedAt" in prompt)) return false;
  const { finishedAt, updatedAt } = prompt;
  return updatedAt === finishedAt || images.some(({ image }) => image.createdAt > finishedAt);
}

function announcement({ prompt, failure, entry }: Change["view"]): string {
  const cost = entry === null ? "" : `, ${money(entry.costMicros)}`;
  return `${failure?.message ?? "Picture ready"}${cost}: ${prompt.request.text}`;
}
