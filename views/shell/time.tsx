/** A time in the zone of the reader's profile, else in UTC, which the page's script turns into the device's zone. */
export function Time({ at, zone }: { at: number; zone?: string }) {
  const date = new Date(at);
  return (
    <time datetime={date.toISOString()}>
      {zone === undefined ? `${date.toISOString().slice(0, 16).replace("T", " ")} UTC` : inZone(date, zone)}
    </time>
  );
}

/** "24 Nov 2026, 21:28 Europe/Berlin" */
function inZone(date: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone });
  return `${format.format(date)} ${timeZone}`;
}
