/** The time zone that a reader's days are counted in: the one in which the same reader's page shows times. */
import { getCookie } from "hono/cookie";
import { isKnownTimeZone } from "../../lib/users/time_zone.ts";
import { type AppContext, callerOf } from "./context.ts";

/** The profile's, else the device's as the page's script tells it, else UTC. */
export function readerZone(c: AppContext): string {
  const { timeZone } = callerOf(c).user;
  if (timeZone !== undefined) return timeZone;
  const told = getCookie(c, "zone") ?? "";
  return isKnownTimeZone(told) ? told : "UTC";
}
