/** Hours of the day where somebody is. */

/** What 24 hours of UTC have, by the hours of a zone as its clocks stand then; null: they do not stand a whole number of hours apart. */
export function hoursIn(
  hours: readonly number[],
  { timeZone, at }: { timeZone: string; at: number },
): number[] | null {
  const { offsetNanoseconds } = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
  const apart = offsetNanoseconds / 3.6e12;
  if (!Number.isInteger(apart)) return null;
  return hours.map((_, hour) => hours[(hour - apart + 48) % 24]);
}
