/** What providers say, before anybody reads it. */
import { cutText } from "./graphemes.ts";

/** Without what looks like a key and without control characters, and no longer than that. */
export function withoutKeys(text: string, { chars }: { chars: number }): string {
  const printable = text.replace(/\p{Cc}+/gu, " ").toWellFormed().trim();
  const hidden = printable
    .replace(/\b(sk|dk|AIza|Bearer|key)[-_ ]?[A-Za-z0-9_-]{12,}/gi, "[hidden]")
    .replace(/[A-Za-z0-9_-]{32,}/g, "[hidden]");
  return cutText(hidden, { chars });
}
