import assert from "node:assert/strict";
import { Refusal } from "../../../lib/refusal.ts";
import { countDays, dayAfter, daysBefore, everyDay, readDays } from "../../../lib/statistics/days.ts";
import { hoursIn } from "../../../lib/statistics/hours_in.ts";

const now = Date.parse("2026-03-01T00:30:00Z");

Deno.test("a range is a word, two days, or the latest thirty", () => {
  const of = (asked: Parameters<typeof readDays>[0]) => {
    const { days: { from, to }, range } = readDays(asked, now);
    return [from, to, range];
  };
  assert.deepEqual(of({}), ["2026-01-31", "2026-03-01", "30"]);
  assert.deepEqual(of({ range: "7" }), ["2026-02-23", "2026-03-01", "7"]);
  assert.deepEqual(of({ range: "month" }), ["2026-03-01", "2026-03-01", "month"]);
  assert.deepEqual(of({ range: "year" }), ["2026-01-01", "2026-03-01", "year"]);
  assert.deepEqual(of({ from: "2026-02-01", to: "2026-02-28", range: "7" }), [
    "2026-02-01",
    "2026-02-28",
    null,
  ]);
  assert.deepEqual(of({ from: "2026-02-27" }), ["2026-02-27", "2026-03-01", null]);
  assert.deepEqual(of({ to: "2024-03-01" }), ["2024-02-01", "2024-03-01", null]);
  for (
    const asked of [{ range: "8" }, { range: "__proto__" }, { from: "2026-03-02" }, { to: "2026-02-29" }]
  ) {
    assert.throws(() => readDays(asked, now), Refusal, JSON.stringify(asked));
  }
});

Deno.test("days are counted over the ends of months, years and centuries", () => {
  assert.deepEqual(everyDay({ from: "2024-02-28", to: "2024-03-01" }), [
    "2024-02-28",
    "2024-02-29",
    "2024-03-01",
  ]);
  assert.equal(countDays({ from: "1899-12-31", to: "1900-03-01" }), 61);
  assert.equal(dayAfter("2026-12-31", 1), "2027-01-01");
  assert.deepEqual(daysBefore({ from: "2026-03-01", to: "2026-03-02" }), {
    from: "2026-02-27",
    to: "2026-02-28",
  });
});

Deno.test("hours are told by the clock of whoever looks, where it stands whole hours apart", () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  const at = Date.parse("2026-11-30T12:00:00Z");
  assert.equal(hoursIn(hours, { timeZone: "Europe/Berlin", at })![1], 0);
  assert.equal(hoursIn(hours, { timeZone: "America/New_York", at })![0], 5);
  assert.equal(hoursIn(hours, { timeZone: "Pacific/Kiritimati", at })![14], 0);
  assert.equal(hoursIn(hours, { timeZone: "Asia/Kolkata", at }), null);
});
