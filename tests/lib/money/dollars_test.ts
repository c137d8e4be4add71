import assert from "node:assert/strict";
import { dollarAmount, dollarText, microsWithin } from "../../../lib/money/dollars.ts";

Deno.test("an amount of dollars is read to the micro-dollar, and a finer one is refused", () => {
  const amount = dollarAmount("no amount");
  const read = (input: unknown) => amount.safeParse(input).data ?? null;
  const cases: [input: unknown, micros: number | null][] = [
    [0, 0],
    [0.1, 100_000],
    [12.5, 12_500_000],
    [0.000001, 1],
    [999_999_999, 999_999_999_000_000],
    [0.0000001, null],
    [-1, null],
    [1e12, null],
    ["1", null],
    [null, null],
    [NaN, null],
    [Infinity, null],
  ];
  for (const [input, micros] of cases) assert.equal(read(input), micros, String(input));
  assert.equal(amount.safeParse(-1).error?.issues[0].message, "no amount");
});

Deno.test("an amount that is typed may have a dollar sign and space around it, and nothing else", () => {
  const text = dollarText("no amount", { mostDigits: 3 });
  const read = (input: unknown) => text.safeParse(input).data ?? null;
  const cases: [input: unknown, micros: number | null][] = [
    ["0.02", 20_000],
    [" $12.50 ", 12_500_000],
    ["999.999999", 999_999_999],
    ["1000", null],
    ["0.0000001", null],
    ["-1", null],
    ["1,5", null],
    ["1e3", null],
    ["", null],
    [1, null],
    [undefined, null],
  ];
  for (const [input, micros] of cases) assert.equal(read(input), micros, String(input));
});

Deno.test("what somebody agrees to is whole micro-dollars, whatever was computed to get there", () => {
  const cases: [dollars: number, micros: number][] = [
    [0, 0],
    [3 * 0.0125, 37_500],
    [0.1 + 0.2, 300_000],
    [0.29, 290_000],
    [1.1, 1_100_000],
    [0.0199999, 19_999],
    [0.0000009, 0],
    [1_000_000, 1_000_000_000_000],
  ];
  for (const [dollars, micros] of cases) assert.equal(microsWithin(dollars), micros, String(dollars));
});
