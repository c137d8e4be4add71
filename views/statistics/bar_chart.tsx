/** Amounts side by side as bars, drawn on the server; the page has the same as a table. */

export interface Bar {
  /** What it is of, such as a day. */
  name: string;
  amount: number;
  /** The amount in words. */
  words: string;
}

const height = 100;
const step = 10;
/** So that a few days do not become walls. */
const leastSlots = 14;

export function BarChart({ label, bars, ends, most, isQuiet = false }: {
  /** For who can't see it: what it shows, and the sum. */
  label: string;
  bars: readonly Bar[];
  /** What stands below the first one, the last one and between. */
  ends: readonly string[];
  /** Of the highest one. */
  most: string;
  /** In ink, beside one in the accent. */
  isQuiet?: boolean;
}) {
  const highest = Math.max(...bars.map(({ amount }) => amount));
  const slots = Math.max(leastSlots, bars.length);
  return (
    <>
      <p class="muted most">{most}</p>
      <svg
        class={isQuiet ? "bars quiet" : "bars"}
        viewBox={`0 0 ${slots * step} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {bars.map(({ name, amount, words }, index) => {
          const bar = amount <= 0 || highest <= 0 ? 1 : Math.max(3, amount / highest * height);
          return (
            <rect
              class={amount <= 0 ? "bare" : undefined}
              x={index * step + 1.5}
              y={Math.round((height - bar) * 100) / 100}
              width={step - 3}
              height={Math.round(bar * 100) / 100}
            >
              <title>{`${name}: ${words}`}</title>
            </rect>
          );
        })}
      </svg>
      <div class="ends" aria-hidden="true">{ends.map((end) => <span>{end}</span>)}</div>
    </>
  );
}

/** A part of a whole, from 0 to 1, as a bar in a cell. */
export function PartBar({ part }: { part: number }) {
  return (
    <svg class="part" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bare" x="0" y="0" width="100" height="4" />
      <rect x="0" y="0" width={Math.max(0, Math.min(100, Math.round(part * 1000) / 10))} height="4" />
    </svg>
  );
}

/** From the usual to the slow, on a scale that ends with the slowest of all. */
export function SpanBar({ from, to, most }: { from: number; to: number; most: number }) {
  const place = (value: number) => Math.round(value / most * 1000) / 10;
  return (
    <svg class="part" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bare" x="0" y="0" width={Math.max(1, place(to))} height="4" />
      <rect x="0" y="0" width={Math.max(1, place(from))} height="4" />
    </svg>
  );
}
