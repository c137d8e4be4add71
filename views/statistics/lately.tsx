/** On the dashboard: the last thirty days as a chart and a few facts. */
import type { Lately } from "../../lib/statistics/lately.ts";
import { dollars, duration, plural } from "../shell/format.ts";
import { BarChart } from "./bar_chart.tsx";
import { count, dayOf, dayWords, percent } from "./numbers_words.ts";

export const latelyId = "lately-figures";

export function LatelyFigures({ lately }: { lately: Lately }) {
  const { days, images, total } = lately;
  if (total.prompts === 0) {
    return (
      <div id={latelyId}>
        <p class="muted">
          Nothing was made in the last 30 days. What you make is counted here: how much, how quickly, and what
          was worth keeping.
        </p>
      </div>
    );
  }
  const bars = images.map((amount, i) => {
    const words = plural(amount, "picture");
    return { name: dayWords(dayOf(days, i)), amount, words };
  });
  const busiest = bars.reduce((most, bar) => bar.amount > most.amount ? bar : most);
  return (
    <div id={latelyId}>
      <figure class="spend">
        <BarChart
          label={`Pictures by day in the last 30 days: ${count(total.images)} in all`}
          bars={bars}
          ends={[dayWords(days.from), dayWords(dayOf(days, 14)), dayWords(days.to)]}
          most={busiest.amount > 0 ? `Most on one day: ${busiest.words}, ${busiest.name}` : "No picture"}
          isQuiet
        />
      </figure>
      <ul class="facts">{factsOf(lately).map(([name, value]) => <Fact name={name} value={value} />)}</ul>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <li>
      <span class="muted">{name}</span> <strong dir="auto">{value}</strong>
    </li>
  );
}

function factsOf({ total, favourite, costPerKeeperMicros }: Lately): [string, string][] {
  const ended = total.completed + total.failed;
  const each = costPerKeeperMicros ? `, at ${dollars(costPerKeeperMicros)} each` : "";
  const facts: [string, string | null][] = [
    ["Pictures", count(total.images)],
    ["Worth keeping", total.keepers === 0 ? "give stars to find out" : `${count(total.keepers)}${each}`],
    ["Most made by", favourite && `${favourite.model}, ${count(favourite.images)}`],
    ["Half were there within", total.p50Ms === null ? null : duration(total.p50Ms)],
    ["Worked", ended === 0 ? null : `${percent(total.completed / ended)} of ${plural(ended, "prompt")}`],
  ];
  return facts.flatMap(([name, value]) => value === null ? [] : [[name, value]]);
}
