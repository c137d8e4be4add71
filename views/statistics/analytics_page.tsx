/** What was made, what it cost, what failed and how long it took: one's own, and everybody's for admins. */
import { Figure } from "../shell/figure.tsx";
import type { Child } from "hono/jsx";
import type { Numbers } from "../../lib/statistics/analytics.ts";
import type { Days, Range } from "../../lib/statistics/days.ts";
import type { Table, TableId, Value } from "../../lib/statistics/tables.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout } from "../admin/layout.tsx";
import type { LeavingSum } from "../../lib/images/leaving.ts";
import { LeavingNotice } from "../images/leaving_page.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { bytes, dollars, duration, plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { type Bar, BarChart, PartBar, SpanBar } from "./bar_chart.tsx";
import { count, dayWords, hourWords, nothing, percent, valueWords } from "./numbers_words.ts";

export interface AnalyticsProps {
  user: User;
  scope: "mine" | "all";
  days: Days;
  dayCount: number;
  /** The word that the days were chosen by; null: they were named. */
  range: Range | null;
  /** What was typed, where it was refused, and why. */
  asked: { from: string; to: string };
  problem: string | null;
  total: Numbers;
  /** Of just as many days before. */
  earlier: Numbers;
  costPerKeeperMicros: number | null;
  tables: { [id in TableId]: Table };
  /** By the reader's clock, which `zone` names. */
  hours: { counts: readonly number[]; zone: string };
  /** Reasons of failures in words. */
  reasons: { [reason: string]: string };
  storedBytes: number;
  /** What of the reader's goes; null: nothing, or it is about everybody. */
  leaving: LeavingSum | null;
  /** The most that the reader may have; null: no limit. */
  storageLimitBytes: number | null;
  /** How many of the latest prompts the words are of; null: there are none to tell. */
  wordsOf: number | null;
}

const rangeNames: { [range in Range]: string } = {
  7: "7 days",
  30: "30 days",
  90: "90 days",
  month: "This month",
  year: "This year",
};

export function AnalyticsPage(props: AnalyticsProps) {
  const content = <Content {...props} />;
  if (props.scope === "all") {
    return <AdminLayout name="Analytics" user={props.user} current="/admin/analytics">{content}</AdminLayout>;
  }
  return (
    <Layout title="Usage" user={props.user} current="/usage">
      <div class="heading">
        <h1>Usage</h1>
      </div>
      {content}
    </Layout>
  );
}

function addressOf({ scope }: Pick<AnalyticsProps, "scope">): string {
  return scope === "all" ? "/admin/analytics" : "/usage";
}

function Content(props: AnalyticsProps) {
  const { problem, total, days, dayCount, tables, scope } = props;
  return (
    <>
      {problem && <ErrorText message={problem} />}
      {props.leaving && <LeavingNotice sum={props.leaving} />}
      <DayChoice {...props} />
      <p class="muted period">
        {dayCount === 1
          ? dayWords(days.from, { hasYear: true })
          : `${dayWords(days.from, { hasYear: true })} to ${dayWords(days.to, { hasYear: true })}`}
        , by days of UTC
      </p>
      <Figures {...props} />
      {total.prompts === 0 ? <Nothing {...props} /> : (
        <div class="numbers">
          <ByDay {...props} />
          <ByModel {...props} />
          {scope === "all" && <ByPerson {...props} />}
          <Times {...props} />
          <Keepers {...props} />
          <Failures {...props} />
          {tables.economy.rows.length > 0 && <Economy {...props} />}
          <Hours {...props} />
          <Words {...props} />
        </div>
      )}
      {total.prompts > 0 && <WholeTable {...props} />}
    </>
  );
}

function DayChoice({ range, asked, ...props }: AnalyticsProps) {
  const address = addressOf(props);
  return (
    <nav class="day-choice" aria-label="Days">
      <div class="filters">
        {(Object.entries(rangeNames) as [string, string][]).map(([each, name]) => (
          <a href={`${address}?range=${each}`} aria-current={each === range ? "true" : undefined}>{name}</a>
        ))}
      </div>
      <form class="own-days" method="get" action={address}>
        <label for="from">From</label>
        <input id="from" type="date" name="from" value={asked.from} />
        <label for="to">to</label>
        <input id="to" type="date" name="to" value={asked.to} />
        <button type="submit">Show</button>
      </form>
    </nav>
  );
}

function Figures(
  { total, earlier, costPerKeeperMicros, storedBytes, storageLimitBytes, dayCount }: AnalyticsProps,
) {
  const ended = total.completed + total.failed;
  const before = (words: string) => `${words} in the ${plural(dayCount, "day")} before`;
  return (
    <dl class="figures">
      <Figure name="Pictures" value={count(total.images)} detail={before(count(earlier.images))} />
      {(total.costMicros !== 0 || earlier.costMicros !== 0) && (
        <Figure name="Spent" value={dollars(total.costMicros)} detail={before(dollars(earlier.costMicros))} />
      )}
      <Figure
        name="Prompts that worked"
        value={ended === 0 ? nothing : percent(total.completed / ended)}
        detail={`of ${count(ended)}`}
      />
      <Figure
        name="Time to a picture"
        value={total.p50Ms === null ? nothing : duration(total.p50Ms)}
        detail={total.p95Ms === null ? undefined : `${duration(total.p95Ms)} for the slowest 5 %`}
      />
      <Figure
        name="Worth keeping"
        value={count(total.keepers)}
        detail={costPerKeeperMicros ? `at ${dollars(costPerKeeperMicros)} each` : "with four stars or five"}
      />
      {total.lostMicros > 0 && (
        <Figure name="Paid for nothing" value={dollars(total.lostMicros)} detail="failed or cancelled" />
      )}
      {total.savedMicros > 0 && (
        <Figure name="Saved" value={dollars(total.savedMicros)} detail="by the economy lane" />
      )}
      <Figure
        name="Stored"
        value={bytes(storedBytes)}
        detail={storageLimitBytes === null
          ? "all pictures, as they are shown"
          : `of ${bytes(storageLimitBytes)}: ${bytes(Math.max(0, storageLimitBytes - storedBytes))} are free`}
      />
    </dl>
  );
}

function Nothing({ scope, earlier }: AnalyticsProps) {
  return (
    <div class="empty">
      <p>
        {earlier.prompts === 0
          ? "Nothing was made in these days. Whatever is made from now on is counted here: what it cost, how long it took, what was worth keeping."
          : "Nothing was made in these days. Choose others to see what was made before."}
      </p>
      {scope === "mine" && <a class="button primary" href="/generator">Generate image</a>}
    </div>
  );
}

/** A question, its answer, and the same to take along. */
function Section({ name, table, isWide = false, children, ...props }: AnalyticsProps & {
  name: string;
  table: TableId;
  isWide?: boolean;
  children?: Child;
}) {
  const { from, to } = props.days;
  const file = (kind: string) => `${addressOf(props)}/${table}.${kind}?from=${from}&to=${to}`;
  return (
    <section class={isWide ? "wide" : undefined} aria-labelledby={`numbers-${table}`}>
      <div class="heading">
        <h2 id={`numbers-${table}`}>{name}</h2>
        <span class="files">
          <a href={file("csv")} download aria-label={`${name} as CSV`}>CSV</a>
          <a href={file("json")} aria-label={`${name} as JSON`}>JSON</a>
        </span>
      </div>
      {children}
    </section>
  );
}

function ByDay(props: AnalyticsProps) {
  const { total, tables: { days: table }, dayCount } = props;
  const [images, costMicros] = [columnOf(table, "images"), columnOf(table, "costMicros")];
  const isFree = total.costMicros <= 0;
  const charts = [
    ...isFree ? [] : [{ name: "Spent", at: costMicros, words: dollars, sum: total.costMicros }],
    { name: "Pictures", at: images, words: (each: number) => plural(each, "picture"), sum: total.images },
  ];
  return (
    <Section {...props} name="Day by day" table="days" isWide>
      {dayCount > 1 && (
        <div class={isFree ? "charts" : "charts two"}>
          {charts.map(({ name, at, words, sum }) => {
            const bars = barsOf(table, { at, words });
            const highest = bars.reduce((most, bar) => bar.amount > most.amount ? bar : most);
            return (
              <figure class="spend">
                <BarChart
                  label={`${name} by ${isByWeek(table) ? "week" : "day"}: ${words(sum)} in all`}
                  bars={bars}
                  ends={endsOf(table)}
                  most={`${name}: most ${highest.amount > 0 ? `${highest.words}, ${highest.name}` : "none"}`}
                  isQuiet={name === "Pictures" && !isFree}
                />
              </figure>
            );
          })}
        </div>
      )}
      {isFree && <p class="muted">All of it was free.</p>}
      <details>
        <summary>{`The ${isByWeek(table) ? "weeks" : "days"} as a table`}</summary>
        <Rows
          table={shownDays(table)}
          headings={{
            day: isByWeek(table) ? "Week of" : "Day",
            prompts: "Prompts",
            failed: "Failed",
            images: "Pictures",
            costMicros: "Cost",
          }}
        />
      </details>
    </Section>
  );
}

const mostBars = 92;

/** Where days would be too many, each is a week, from the first day on. */
function isByWeek({ rows }: Table): boolean {
  return rows.length > mostBars;
}

/** A bar a day, or a week. */
function barsOf(table: Table, { at, words }: { at: number; words: (amount: number) => string }): Bar[] {
  return weeksOf(table).map((row) => {
    const first = dayWords(String(row[0]));
    const name = isByWeek(table) ? `in the week of ${first}` : `on ${first}`;
    return { name, amount: Number(row[at]), words: words(Number(row[at])) };
  });
}

function weeksOf(table: Table): Table["rows"] {
  const { rows, columns } = table;
  if (!isByWeek(table)) return rows;
  const weeks: Value[][] = [];
  for (const [i, row] of rows.entries()) {
    if (i % 7 === 0) weeks.push([...row]);
    else {columns.forEach((_, at) =>
        at > 0 && (weeks.at(-1)![at] = Number(weeks.at(-1)![at]) + Number(row[at]))
      );}
  }
  return weeks;
}

/** Those in which anything was booked. */
function shownDays(table: Table): Table {
  const isBooked = (row: readonly Value[]) => row.some((value) => typeof value === "number" && value !== 0);
  return { ...table, rows: weeksOf(table).filter(isBooked) };
}

function endsOf({ rows }: Table): string[] {
  const places = rows.length < 5
    ? [0, rows.length - 1]
    : [0, Math.floor((rows.length - 1) / 2), rows.length - 1];
  return places.map((i) => dayWords(String(rows[i][0])));
}

function columnOf({ columns }: Table, name: string): number {
  return columns.findIndex((column) => column.name === name);
}

function ByModel(props: AnalyticsProps) {
  const { total, tables: { models } } = props;
  const isFree = total.costMicros <= 0;
  return (
    <Section {...props} name="By model" table="models">
      <Rows
        table={models}
        headings={isFree
          ? { model: "Model", images: "Pictures", imagesShare: "Share" }
          : { model: "Model", images: "Pictures", costMicros: "Cost", costShare: "Share" }}
      />
    </Section>
  );
}

function ByPerson(props: AnalyticsProps) {
  const { total, tables: { people } } = props;
  const isFree = total.costMicros <= 0;
  const named = people.rows.map(([userId, name, ...rest]) => [userId, name ?? "Deleted accounts", ...rest]);
  return (
    <Section {...props} name="By person and model" table="people">
      <Rows
        table={{ ...people, rows: named }}
        headings={isFree
          ? { name: "Person, model", images: "Pictures", imagesShare: "Share" }
          : { name: "Person, model", images: "Pictures", costMicros: "Cost", costShare: "Share" }}
        under="model"
      />
    </Section>
  );
}

function Times(props: AnalyticsProps) {
  const { times } = props.tables;
  const most = Math.max(1, ...times.rows.map((row) => Number(row[3])));
  return (
    <Section {...props} name="Time to a picture" table="times">
      {times.rows.length === 0 ? <p class="muted">No picture was made by itself.</p> : (
        <>
          <Rows
            table={times}
            headings={{ model: "Model", p50Ms: "Half within", p95Ms: "95 % within" }}
            bar={(row) => <SpanBar from={Number(row[2])} to={Number(row[3])} most={most} />}
          />
          <p class="muted">From sending to the picture, to within 10 %. The economy lane does not count.</p>
        </>
      )}
    </Section>
  );
}

function Keepers(props: AnalyticsProps) {
  const { total, tables: { keepers } } = props;
  const isFree = total.costMicros <= 0;
  return (
    <Section {...props} name="Worth keeping" table="keepers">
      {total.keepers === 0 && (
        <p class="muted">
          No picture has four stars yet. Give stars to what you like, and see here which model makes most of
          it.
        </p>
      )}
      {keepers.rows.length > 0 && total.keepers > 0 && (
        <Rows
          table={keepers}
          headings={isFree
            ? { model: "Model", keepers: "Kept", keepersShare: "Of all" }
            : { model: "Model", keepers: "Kept", keepersShare: "Of all", costPerKeeperMicros: "Cost each" }}
          bar={(row) => <PartBar part={Number(row[3] ?? 0)} />}
        />
      )}
    </Section>
  );
}

function Failures(props: AnalyticsProps) {
  const { total, reasons, tables: { failures, providers } } = props;
  const inWords = failures.rows.map(([provider, reason, ...rest]) => [
    provider,
    reasons[String(reason)] ?? reason,
    ...rest,
  ]);
  return (
    <Section {...props} name="What failed" table="failures">
      {total.failed === 0 ? <p class="muted">Nothing failed.</p> : (
        <>
          <Rows
            table={{ ...failures, rows: inWords }}
            headings={{ reason: "Why, and whose", failed: "Prompts", failureRate: "Of all" }}
            under="provider"
          />
          {total.lostMicros > 0 && (
            <p>
              {dollars(total.lostMicros)} was paid for what failed or was cancelled: {lossesOf(providers)}.
            </p>
          )}
        </>
      )}
    </Section>
  );
}

/** "openai $0.20, nanobanana $0.04" */
function lossesOf(providers: Table): string {
  const lost = columnOf(providers, "lostMicros");
  return providers.rows.filter((row) => Number(row[lost]) > 0)
    .map((row) => `${row[0]} ${dollars(Number(row[lost]))}`).join(", ");
}

function Economy(props: AnalyticsProps) {
  return (
    <Section {...props} name="Economy lane" table="economy">
      <Rows
        table={props.tables.economy}
        headings={{ model: "Model", costMicros: "Cost", savedMicros: "Saved" }}
      />
    </Section>
  );
}

function Hours(props: AnalyticsProps) {
  const { counts, zone } = props.hours;
  const bars = counts.map((amount, hour) => ({
    name: hourWords(hour),
    amount,
    words: plural(amount, "prompt"),
  }));
  const busiest = bars.reduce((most, bar) => bar.amount > most.amount ? bar : most);
  return (
    <Section {...props} name="Hours of the day" table="hours">
      <figure class="spend">
        <BarChart
          label={`Prompts by hour of the day, ${zone}: most at ${busiest.name}`}
          bars={bars}
          ends={["00:00", "06:00", "12:00", "18:00", "24:00"]}
          most={`Most at ${busiest.name}: ${busiest.words}. ${zone}`}
          isQuiet
        />
      </figure>
    </Section>
  );
}

function Words(props: AnalyticsProps) {
  const { wordsOf, scope, tables: { words } } = props;
  if (wordsOf === null) {
    return (
      <Section {...props} name="Popular words" table="words">
        <p class="muted">
          What people write is theirs: words of all are told of published pictures only, and there is no
          public gallery here.
        </p>
      </Section>
    );
  }
  const most = Math.max(1, ...words.rows.map(([, count]) => Number(count)));
  return (
    <Section {...props} name={scope === "mine" ? "Your words" : "Popular words"} table="words">
      {words.rows.length === 0 ? <p class="muted">No word was used twice.</p> : (
        <>
          <Rows
            table={words}
            headings={{ word: "Word", prompts: "Prompts" }}
            bar={([, count]) => <PartBar part={Number(count) / most} />}
          />
          <p class="muted">
            {scope === "mine"
              ? `Of your latest ${plural(wordsOf, "prompt")} in these days. Nobody else sees them.`
              : `Of ${plural(wordsOf, "published picture")} that show their words.`}
          </p>
        </>
      )}
    </Section>
  );
}

/** Some columns of a table, in its order; what is the rows' own first, and under it a bar, and more where it says so. */
function Rows({ table: { columns, rows }, headings, under, bar = shareBar(columns) }: {
  table: Table;
  headings: { [column: string]: string };
  /** The column whose values stand under the first. */
  under?: string;
  bar?: (row: readonly Value[]) => Child;
}) {
  const beneath = columns.findIndex(({ name }) => name === under);
  const shown = columns.map((column, at) => ({ ...column, at, heading: headings[column.name] }))
    .filter(({ heading }) => heading !== undefined);
  const [first, ...others] = shown;
  const isNumber = (kind: string) => kind !== "text";
  return (
    <table class="sums">
      <thead>
        <tr>
          {shown.map(({ heading, kind }, i) => (
            <th scope="col" class={i > 0 && isNumber(kind) ? "number" : undefined}>{heading}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row" dir="auto">
              {valueWords(row[first.at], first.kind)}
              {beneath >= 0 && <span class="muted" dir="auto">{valueWords(row[beneath], "text")}</span>}
              {bar(row)}
            </th>
            {others.map(({ at, kind }) => (
              <td class={isNumber(kind) ? "number" : undefined} dir={isNumber(kind) ? undefined : "auto"}>
                {valueWords(row[at], kind)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As long as the share of costs, or where nothing cost anything, of pictures. */
function shareBar(columns: Table["columns"]): (row: readonly Value[]) => Child {
  const places = ["costShare", "imagesShare", "failureRate"].map((name) =>
    columns.findIndex((column) => column.name === name)
  ).filter((at) => at >= 0);
  return (row) => {
    const part = places.map((at) => row[at]).find((value) => typeof value === "number");
    return part === undefined ? null : <PartBar part={Number(part)} />;
  };
}

function WholeTable({ days: { from, to }, scope }: AnalyticsProps) {
  const address = `/api/v1/analytics?from=${from}&to=${to}&scope=${scope}`;
  return (
    <p class="muted">
      All numbers by day{scope === "all" && ", person"} and model:{" "}
      <a href={`${address}&format=csv`} download>CSV</a>, <a href={address}>JSON</a>.
    </p>
  );
}
