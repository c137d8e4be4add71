/** One message of an event stream (WHATWG HTML, section 9.2); line breaks in the data cannot end it. */
export function serverSentEvent(
  { id, event, data }: { id?: string; event?: string; data: string },
): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}${
    lines.join("")
  }\n`;
}

/** A comment: keeps the connection alive and says nothing. */
export const heartbeat = ": keep-alive\n\n";
