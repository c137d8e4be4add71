/** Tables as CSV (RFC 4180) that spreadsheets open as text and numbers, and never as formulas. */

/** Told apart from other encodings by its first bytes. */
export const byteOrderMark = "\ufeff";

export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(cell).join(",") + "\r\n";
}

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  // What begins like a formula is shown as it is only behind an apostrophe.
  const text = /^\s*[=+\-@]|^[\t\r\n]/.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}
