/** What was spent on each day of a month, or made where all of it was free: bars, and the same as a table. */
import type { Month, Spend } from "../../lib/money/account.ts";
import { dollars, monthName, plural } from "../shell/format.ts";

const height = 100;
const step = 10;

export function SpendChart({ name, month }: { name: string; month: Month }) {
  const days = daysOf(name).map((day) => ({ day, spend: month.days[day] ?? { costMicros: 0, images: 0 } }));
  const { amountOf, inWords, heading } = month.spentMicros > 0 ? byCost : byPictures;
  const most = Math.max(...days.map(({ spend }) => amountOf(spend)));
  const all = days.reduce((sum, { spend }) => sum + amountOf(spend), 0);
  const width = days.length * step;
  if (most <= 0) return <p class="muted">Nothing was made in {monthName(name)}.</p>;
  return (
    <figure class="spend">
      <p class="muted most">
        {month.spentMicros <= 0 && "It cost nothing: pictures by day. "}Most on one day: {inWords(most)}
      </p>
      <svg
        class="bars"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${heading} by day in ${monthName(name)}: ${inWords(all)} in all`}
      >
        {days.map(({ day, spend }, index) => {
          const amount = amountOf(spend);
          const bar = amount <= 0 ? 1 : Math.max(3, amount / most * height);
          return (
            <rect
              class={amount <= 0 ? "none" : undefined}
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
      <p class="muted">Days and months begin at midnight UTC here, as budgets do.</p>
      <details>
        <summary>Day by day</summary>
        <SpendTable heading="Day" spends={month.days} />
      </details>
    </figure>
  );
}

/** What the bars are as high as. */
interface Measure {
  heading: string;
  amountOf(spend: Spend): number;
  inWords(amount: number): string;
}

const byCost: Measure = { heading: "Spend", amountOf: ({ costMicros }) => costMicros, inWords: dollars };
const byPictures: Measure = {
  heading: "Pictures",
  amountOf: ({ images }) => images,
  inWords: (count) => plural(count, "picture"),
};

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
