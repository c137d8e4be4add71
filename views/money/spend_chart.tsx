/** What was spent on each day of a month: bars, and the same as a table. */
import type { Month, Spend } from "../../lib/money/account.ts";
import { dollars, monthName, plural } from "../shell/format.ts";

const height = 100;
const step = 10;

export function SpendChart({ name, month }: { name: string; month: Month }) {
  const days = daysOf(name).map((day) => ({ day, spend: month.days[day] ?? { costMicros: 0, images: 0 } }));
  const most = Math.max(...days.map(({ spend }) => spend.costMicros), 1);
  const width = days.length * step;
  return (
    <figure class="spend">
      <p class="muted most">{month.spentMicros > 0 && `Most on one day: ${dollars(most)}`}</p>
      <svg
        class="bars"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Spend by day in ${monthName(name)}: ${dollars(month.spentMicros)} in all`}
      >
        {days.map(({ day, spend }, index) => {
          const bar = spend.costMicros === 0 ? 1 : Math.max(3, spend.costMicros / most * height);
          return (
            <rect
              class={spend.costMicros === 0 ? "none" : undefined}
              x={index * step + 1.5}
              y={height - bar}
              width={step - 3}
              height={bar}
            >
              <title>{`${day}: ${spendWords(spend)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div class="days" aria-hidden="true">
        {days.filter((_, index) => index % 7 === 0).map(({ day }) => <span>{Number(day.slice(8))}</span>)}
      </div>
      {month.spentMicros > 0 && (
        <details>
          <summary>Day by day</summary>
          <SpendTable heading="Day" spends={month.days} />
        </details>
      )}
    </figure>
  );
}

/** Amounts by whatever they are sorted by; those of nothing are left out. */
export function SpendTable({ heading, spends }: { heading: string; spends: { [name: string]: Spend } }) {
  return (
    <table class="sums">
      <thead>
        <tr>
          <th scope="col">{heading}</th>
          <th scope="col" class="number">Pictures</th>
          <th scope="col" class="number">Cost</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(spends).sort(([a], [b]) => a < b ? -1 : 1).map(([name, { images, costMicros }]) => (
          <tr>
            <th scope="row">{name}</th>
            <td class="number">{images}</td>
            <td class="number">{dollars(costMicros)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function spendWords({ costMicros, images }: Spend): string {
  return `${dollars(costMicros)}, ${plural(images, "picture")}`;
}

/** Every day of a month such as "2026-11". */
function daysOf(month: string): string[] {
  const [year, number] = month.split("-").map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`);
}
