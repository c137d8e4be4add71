/** A table to take along: as CSV, and as JSON. */
import type { Days } from "../../lib/statistics/days.ts";
import type { Table } from "../../lib/statistics/tables.ts";
import { csvLine } from "../shell/csv.ts";

export function tableCsv({ columns, rows }: Table): string {
  const heading = csvLine(columns.map(({ name }) => name));
  return heading + rows.map((row) => csvLine(row.map((value) => value ?? ""))).join("");
}

export function tableJson({ id, columns, rows }: Table, { from, to }: Days) {
  const named = rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
  return { success: true, table: id, from, to, rows: named };
}
