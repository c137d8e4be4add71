/** A sheet of contact prints: a place of its true shape for each picture that is expected, from the first moment. */
import type { Axis, Batch } from "../../lib/batches/batch.ts";
import type { SheetRow } from "../../lib/batches/sheet.ts";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { Size } from "../../lib/size.ts";
import { againName, CardButton } from "../prompts/prompt_card.tsx";
import { Thumbnail } from "../images/picture.tsx";
import { Rating } from "../images/rating.tsx";
import { progressWords } from "../prompts/progress_words.ts";
import { charge, money } from "../shell/format.ts";
import { differenceInWords, valueInWords } from "./batch_words.ts";

/** A row of a batch as it is now. */
export interface RowView {
  row: SheetRow;
  /** Null: it is no prompt yet. */
  view: PromptView | null;
}

/** One picture of a row, which is there, expected, or missing. */
export interface Contact extends RowView {
  /** Among the pictures of its row, from 0 on. */
  index: number;
}

interface SheetProps {
  batch: Batch;
  /** Where it is shown, for ways back. */
  here: string;
}

export function ContactSheet({ batch, here, contacts }: SheetProps & { contacts: readonly Contact[] }) {
  return (
    <ul id="contacts" class="contacts" data-fixed="">
      {contacts.map((contact) => (
        <li class="contact">
          <ContactPrint batchId={batch.id} here={here} contact={contact} />
          <Differs row={contact.row} />
        </li>
      ))}
    </ul>
  );
}

/** Two axes: a line for each value of the first, a column for each of the second. */
export function ContactTable(
  { batch, here, lines, axes: [down, across] }: SheetProps & {
    axes: readonly [Axis, Axis];
    /** With the number of the value, from 0 on. */
    lines: readonly { at: number; rows: readonly RowView[] }[];
  },
) {
  return (
    <div class="contact-table" tabindex={0} role="region" aria-label="Contact sheet">
      <table id="contacts" data-fixed="">
        <thead>
          <tr>
            <td></td>
            {across.values.map((value) => <th scope="col" dir="auto">{valueInWords(across.field, value)}
            </th>)}
          </tr>
        </thead>
        <tbody>
          {lines.map(({ at, rows }) => (
            <tr>
              <th scope="row" dir="auto">{valueInWords(down.field, down.values[at])}</th>
              {rows.map((each) => (
                <td>
                  {contactsOf(each).map((contact) => (
                    <ContactPrint batchId={batch.id} here={here} contact={contact} />
                  ))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** All pictures that a row is to bring. */
export function contactsOf(row: RowView): Contact[] {
  return Array.from({ length: row.row.count }, (_, index) => ({ ...row, index }));
}

function Differs({ row: { difference } }: { row: SheetRow }) {
  const words = differenceInWords(difference);
  return words === "" ? null : <p class="differs" dir="auto">{words}</p>;
}

/** What stands under a print where the sheet is one file. */
export function contactLabel({ number, count, difference }: SheetRow, index: number): string {
  return [count > 1 ? `${number}.${index + 1}` : number, differenceInWords(difference)].filter(Boolean).join(
    " · ",
  );
}

function contactId(batchId: string, { row, index }: { row: number; index: number }): string {
  return `contact-${batchId}-${row}-${index}`;
}

function ContactPrint(
  { batchId, here, contact: { row, view, index } }: { batchId: string; here: string; contact: Contact },
) {
  if (view !== null) return <LiveContact batchId={batchId} view={view} index={index} here={here} />;
  return (
    <div id={contactId(batchId, { row: row.number, index })} class="contact-print" data-status="WAITING">
      <div class="frame developing">
        <Paper size={row.size} />
      </div>
      <Caption number={row.number} index={index} count={row.count}>waiting</Caption>
    </div>
  );
}

/** The prints of a prompt as it is now, for pages that show its batch. */
export function LiveContacts({ batchId, view }: { batchId: string; view: PromptView }) {
  return (
    <>
      {Array.from(
        { length: view.prompt.request.count },
        (_, index) => <LiveContact batchId={batchId} view={view} index={index} />,
      )}
    </>
  );
}

function LiveContact(
  { batchId, view, index, here }: { batchId: string; view: PromptView; index: number; here?: string },
) {
  const { prompt, frames, cursor } = view;
  const frame = frames[index] ?? { state: "missing", isDeleted: false };
  const number = prompt.row ?? 0;
  const id = contactId(batchId, { row: number, index });
  const image = frame.state === "picture" ? frame.view.image : null;
  return (
    <div
      id={id}
      class="contact-print"
      data-version={cursor}
      data-status={prompt.status}
      data-picture={image?.id}
      data-rating={image?.rating}
    >
      <Place view={view} index={index} />
      <Caption number={number} index={index} count={prompt.request.count}>
        <State view={view} index={index} />
      </Caption>
      {image !== null && <Rating image={image} returnTo={here && `${here}#${id}`} />}
      {index === 0 && prompt.status === "FAILED" && prompt.lane === "economy" && (
        <CardButton id={`now-${prompt.id}`} action={`/prompts/${prompt.id}/retry`} name={againName(prompt)} />
      )}
    </div>
  );
}

function Caption(
  { number, index, count, children }: { number: number; index: number; count: number; children?: unknown },
) {
  return (
    <p class="contact-caption">
      <span class="row-number">{count > 1 ? `${number}.${index + 1}` : number}</span>
      {children}
    </p>
  );
}

/** A picture that is there, one that develops, or an empty sheet in its shape. */
function Place({ view, index }: { view: PromptView; index: number }) {
  const { prompt: { id, request }, size, progress } = view;
  const frame = view.frames[index];
  if (frame?.state === "picture") {
    const { image } = frame.view;
    return (
      <a class="frame" href={`/images/${image.id}`}>
        <Thumbnail image={image} text={request.text} />
      </a>
    );
  }
  if (frame?.state !== "developing") {
    return (
      <div class="frame missing">
        <Paper size={size} />
        <p class="why">{whyMissing(view, index)}</p>
      </div>
    );
  }
  const { preview, task } = frame;
  return (
    <div class="frame developing">
      {preview === null ? <Paper size={size} /> : (
        <img
          src={`/prompts/${id}/preview?task=${task}&version=${preview.version}`}
          {...size}
          alt="Still developing"
        />
      )}
      {view.prompt.status === "PROCESSING" && (
        <progress
          {...progress?.percent == null ? {} : { value: progress.percent, max: 100 }}
          aria-label={`Progress of ${request.text}`}
        >
        </progress>
      )}
    </div>
  );
}

function Paper({ size: { width, height } }: { size: Size }) {
  return (
    <svg class="paper" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
    </svg>
  );
}

/** In a few words. */
function whyMissing({ prompt, frames, failure }: PromptView, index: number): string {
  const frame = frames[index];
  if (frame?.state === "missing" && frame.isDeleted) return "deleted";
  return prompt.status === "CANCELLED" ? "cancelled" : failure?.message ?? "no picture";
}

/** How far it is, or what it cost. */
function State({ view, index }: { view: PromptView; index: number }) {
  const { prompt, entry, stage } = view;
  const frame = view.frames[index];
  if (frame?.state === "developing") {
    return stage === "queued" ? <span>waiting</span> : <span class="live">{progressWords(view)}</span>;
  }
  if (frame?.state === "picture") return <Cost micros={frame.view.costMicros} />;
  // What a prompt cost that brought nothing is told once.
  if (entry === null || prompt.status === "COMPLETED" || index > 0) return null;
  return <span class="cost-of">{charge({ costMicros: entry.costMicros, isCompleted: false })}</span>;
}

function Cost({ micros }: { micros: number | null }) {
  return micros === null ? null : <span class="cost-of">{money(micros)}</span>;
}
