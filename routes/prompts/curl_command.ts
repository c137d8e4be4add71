/** A request for programs as a line for a shell, with the key in a variable. */

export function curlCommand({ address, body }: { address: string; body: object }): string {
  return [
    `curl ${quoted(address)}`,
    `-H "Authorization: Bearer $DARKROOM_KEY"`,
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(visibleJson(body))}`,
  ].join(" \\\n  ");
}

/** In single quotes a shell takes everything as it is, but for these. As in `static/scripts/curl.js`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Nothing in it does anything to a terminal, or is read in another direction than it is sent. */
function visibleJson(body: object): string {
  return JSON.stringify(body, null, 2).replace(
    /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
