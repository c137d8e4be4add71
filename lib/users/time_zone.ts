/** Time zones by their IANA names. */

export const timeZones: readonly string[] = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];

export function isTimeZone(name: string): boolean {
  return timeZones.includes(name);
}

/** The longest name there is has about thirty characters. */
const maxNameChars = 64;

/** Whether times can be told in it; devices know zones by more names than there are to choose from. */
export function isKnownTimeZone(name: string): boolean {
  if (name === "" || name.length > maxNameChars) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/** Whether it is a day of the calendar such as "2026-11-29". */
export function isDay(text: string): boolean {
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  return day !== null && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** When a day such as "2026-11-29" begins there, and when the next one does: 23 to 25 hours later. */
export function dayIn(timeZone: string, day: string): { start: number; end: number } {
  const date = Temporal.PlainDate.from(day);
  const beginning = (each: Temporal.PlainDate) => each.toZonedDateTime(timeZone).epochMilliseconds;
  return { start: beginning(date), end: beginning(date.add({ days: 1 })) };
}
