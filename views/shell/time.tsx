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

/** "21:04", "tomorrow 21:04", or "2 Dec, 21:04", as seen at `now`; the zone as with `Time`. */
export function Clock({ at, now, zone }: { at: number; now: number; zone?: string }) {
  const words = clockWords({ at, now, zone: zone ?? "UTC" });
  return (
    <time datetime={new Date(at).toISOString()} data-clock>
      {`${words} ${zone ?? "UTC"}`}
    </time>
  );
}

const dayMs = 24 * 3600 * 1000;

function clockWords({ at, now, zone: timeZone }: { at: number; now: number; zone: string }): string {
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone });
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(at);
  if (day.format(at) === day.format(now)) return time;
  return day.format(at) === day.format(now + dayMs) ? `tomorrow ${time}` : `${day.format(at)}, ${time}`;
}
