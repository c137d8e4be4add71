/** A page of a batch's contact sheet. */
import type { Batch } from "../../lib/batches/batch.ts";
import { listBatchPrompts } from "../../lib/batches/batch_store.ts";
import type { SheetRow, Sheets } from "../../lib/batches/sheet.ts";
import { type PromptView, type ViewDeps, viewPrompts } from "../../lib/live/prompt_view.ts";
import type { SheetChoice, SheetPart } from "../../views/batches/batch_page.tsx";
import { type Contact, contactsOf, type RowView } from "../../views/batches/contact_sheet.tsx";

const printsOnPage = 24;

type SheetPartDeps = ViewDeps & { sheets: Sheets };

/** Without a choice it is the rows in their order, begun or not; else the prints that are as was chosen. */
export async function readSheetPart(
  deps: SheetPartDeps,
  { batch, choice }: { batch: Batch; choice: SheetChoice },
): Promise<SheetPart> {
  const rows = await deps.sheets.read(batch.id);
  if (choice.only === "all" && choice.sort === "row") return await readRows(deps, { batch, rows, ...choice });
  const contacts = chosen(await viewRows(deps, { batch, rows }), choice);
  const start = (choice.page - 1) * printsOnPage;
  return {
    contacts: contacts.slice(start, start + printsOnPage),
    pages: pagesOf(contacts.length, printsOnPage),
  };
}

async function readRows(
  deps: SheetPartDeps,
  { batch, rows, page }: { batch: Batch; rows: readonly SheetRow[]; page: number },
): Promise<SheetPart> {
  const perRow = Math.max(...rows.map(({ count }) => count));
  const across = batch.axes?.[1].values.length ?? 1;
  const linesOnPage = Math.max(1, Math.floor(printsOnPage / (perRow * across)));
  const pages = pagesOf(rows.length / across, linesOnPage);
  const first = (page - 1) * linesOnPage;
  const shown = await viewRows(deps, {
    batch,
    rows: rows.slice(first * across, (first + linesOnPage) * across),
  });
  if (batch.axes === null) return { contacts: shown.flatMap(contactsOf), pages };
  const lines = Array.from({ length: Math.ceil(shown.length / across) }, (_, i) => ({
    at: first + i,
    rows: shown.slice(i * across, (i + 1) * across),
  }));
  return { lines, pages };
}

/** Rows that follow each other, with their prompts as far as they are begun. */
async function viewRows(
  deps: SheetPartDeps,
  { batch, rows }: { batch: Batch; rows: readonly SheetRow[] },
): Promise<RowView[]> {
  if (rows.length === 0) return [];
  const { items } = await listBatchPrompts(deps.store, {
    batch,
    limit: rows.length,
    offset: rows[0].number - 1,
  });
  const views = new Map((await viewPrompts(deps, items)).map((view) => [view.prompt.row, view]));
  return rows.map((row) => ({ row, view: views.get(row.number) ?? null }));
}

function chosen(rows: readonly RowView[], { only, sort }: SheetChoice): Contact[] {
  const contacts = rows.flatMap(contactsOf).filter((contact) => isChosen(contact, only));
  if (sort === "row") return contacts;
  return contacts.toSorted((a, b) => (ratingOf(b) ?? -2) - (ratingOf(a) ?? -2));
}

function isChosen(contact: Contact, only: SheetChoice["only"]): boolean {
  const rating = ratingOf(contact);
  switch (only) {
    case "all":
      return true;
    case "starred":
      return rating !== null && rating >= 1;
    case "unrated":
      return rating === 0;
    case "failed":
      return contact.view?.prompt.status === "FAILED";
  }
}

/** Null: there is no picture. */
function ratingOf({ view, index }: { view: PromptView | null; index: number }): number | null {
  const frame = view?.frames[index];
  return frame?.state === "picture" ? frame.view.image.rating : null;
}

function pagesOf(count: number, onPage: number): number {
  return Math.max(1, Math.ceil(count / onPage));
}
