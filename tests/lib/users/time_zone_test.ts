import assert from "node:assert/strict";
import { dayIn, isDay, isKnownTimeZone } from "../../../lib/users/time_zone.ts";

Deno.test("a day lasts from its beginning to that of the next one, where the clock is changed too", () => {
  const days: [zone: string, day: string, start: string, hours: number][] = [
    ["UTC", "2026-11-29", "2026-11-29T00:00:00.000Z", 24],
    ["America/New_York", "2026-11-29", "2026-11-29T05:00:00.000Z", 24],
    ["Asia/Tokyo", "2026-11-29", "2026-11-28T15:00:00.000Z", 24],
    ["Asia/Kathmandu", "2026-11-29", "2026-11-28T18:15:00.000Z", 24],
    ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", 23],
    ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", 25],
    ["America/Santiago", "2026-09-06", "2026-09-06T04:00:00.000Z", 23],
    ["Pacific/Kiritimati", "2026-12-31", "2026-12-30T10:00:00.000Z", 24],
    ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0],
  ];
  for (const [zone, day, begins, hours] of days) {
    const { start, end } = dayIn(zone, day);
    assert.equal(new Date(start).toISOString(), begins, `${zone} ${day}`);
    assert.equal((end - start) / 3_600_000, hours, `${zone} ${day}`);
  }
});

Deno.test("only days of the calendar and zones that times can be told in are known", () => {
  for (const day of ["2026-11-29", "2028-02-29", "0001-01-01", "9999-12-31"]) assert.ok(isDay(day), day);
  for (
    const day of ["2026-02-29", "2026-13-01", "2026-1-1", "soon", "", "2026-11-29T00:00:00Z", "+12026-01-01"]
  ) {
    assert.ok(!isDay(day), day);
  }
  for (const zone of ["UTC", "Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv"]) {
    assert.ok(isKnownTimeZone(zone), zone);
  }
  for (const zone of ["", "Mars/Olympus", "<b>", "x".repeat(5000)]) assert.ok(!isKnownTimeZone(zone), zone);
});
