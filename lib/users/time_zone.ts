/** Time zones by their IANA names. */

export const timeZones: readonly string[] = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];

export function isTimeZone(name: string): boolean {
  return timeZones.includes(name);
}
