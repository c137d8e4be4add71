/** The pages of numbers, one's own and everybody's, and each of their tables to take along. */
import { Hono } from "hono";
import { readStoredBytes, readStoredBytesOfAll } from "../../lib/users/stored_bytes.ts";
import { sumLeaving } from "../../lib/images/leaving.ts";
import { countedWords } from "../../lib/prompts/failure_words.ts";
import { publishedTexts } from "../../lib/live/published_texts.ts";
import { latestTexts } from "../../lib/prompts/own_texts.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { numbersOf, totalOf } from "../../lib/statistics/analytics.ts";
import {
  type Asked,
  countDays,
  type Days,
  daysBefore,
  type ReadDays,
  readDays,
} from "../../lib/statistics/days.ts";
import { hoursIn } from "../../lib/statistics/hours_in.ts";
import { readAnalytics, type Scope } from "../../lib/statistics/read_analytics.ts";
import {
  costPerKeeper,
  makeTables,
  type TableFacts,
  type TableId,
  tableIds,
} from "../../lib/statistics/tables.ts";
import { commonWords } from "../../lib/statistics/words.ts";
import { isDay } from "../../lib/users/time_zone.ts";
import type { User } from "../../lib/users/user.ts";
import { AnalyticsPage } from "../../views/statistics/analytics_page.tsx";
import { tableCsv, tableJson } from "../../views/statistics/table_files.ts";
import { adminSessionOf, type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { csvFile } from "./analytics_api.ts";

type AnalyticsDeps = Pick<AppDeps, "store" | "models" | "prices" | "galleryMode" | "room">;

/** Of so many prompts, at most, the words are counted. */
const textsRead = 200;
const wordsShown = 12;

export function analyticsPageRoutes(deps: AnalyticsDeps) {
  const { store, models, prices } = deps;
  return new Hono<AppEnv>()
    .get("/usage", (c) => page(c, { user: callerOf(c).user, scope: "mine" }))
    .get("/usage/:file", (c) => file(c, { user: callerOf(c).user, scope: "mine" }))
    .get("/admin/analytics", (c) => page(c, { user: adminSessionOf(c).user, scope: "all" }))
    .get("/admin/analytics/:file", (c) => file(c, { user: adminSessionOf(c).user, scope: "all" }));

  async function page(c: AppContext, reader: Reader) {
    const { read, problem } = readAsked(askedIn(c), store.now());
    const { user, scope } = reader;
    const { days, range } = read;
    const before = daysBefore(days);
    const [found, storedBytes, texts] = await Promise.all([
      // In one go, as they stand side by side.
      readAnalytics(store, { userId: user.id, scope, days: { from: before.from, to: days.to } }),
      scope === "mine" ? readStoredBytes(store, user.id) : readStoredBytesOfAll(store),
      textsFor(reader, days),
    ]);
    const rows = found.rows.filter(({ day }) => day >= days.from);
    const tables = makeTables(factsOf({ days, rows, names: found.names, texts }));
    const total = totalOf(rows);
    const asked = problem === null ? days : askedIn(c);
    return c.html(
      <AnalyticsPage
        {...{ user, scope, days, range, problem, tables, storedBytes }}
        leaving={scope === "mine" ? await sumLeaving(store, user.id) : null}
        storageLimitBytes={scope === "mine" ? deps.room.limitBytes : null}
        dayCount={countDays(days)}
        asked={{ from: dayOrNothing(asked.from), to: dayOrNothing(asked.to) }}
        total={numbersOf(total)}
        earlier={numbersOf(totalOf(found.rows.filter(({ day }) => day < days.from)))}
        costPerKeeperMicros={costPerKeeper(total)}
        hours={hoursFor(user, tables.hours.rows.map(([, count]) => Number(count)))}
        reasons={Object.fromEntries(
          Object.keys(total.failures).map((reason) => [reason, countedWords(reason)]),
        )}
        wordsOf={texts?.length ?? null}
      />,
      problem === null ? 200 : 400,
    );
  }

  async function file(c: AppContext, reader: Reader) {
    const [name, kind, ...rest] = c.req.param("file")!.split(".");
    const id = tableIds.find((each) => each === name);
    if (id === undefined || rest.length > 0 || (kind !== "csv" && kind !== "json")) throw notFound();
    const { days } = readDays(askedIn(c), store.now());
    const table = await readTable(reader, { days, id });
    if (kind === "json") return c.json(tableJson(table, days));
    return csvFile(c, { name: `darkroom-${id}-${days.from}-${days.to}`, text: tableCsv(table) });
  }

  async function readTable(reader: Reader, { days, id }: { days: Days; id: TableId }) {
    const [found, texts] = await Promise.all([
      readAnalytics(store, { userId: reader.user.id, scope: reader.scope, days }),
      id === "words" ? textsFor(reader, days) : null,
    ]);
    return makeTables(factsOf({ days, ...found, texts }))[id];
  }

  /** Null: there is no public gallery. Nobody reads what others write: of all, words come from what is published only. */
  async function textsFor({ user, scope }: Reader, days: Days): Promise<string[] | null> {
    if (scope === "mine") return await latestTexts(store, { userId: user.id, days, most: textsRead });
    return deps.galleryMode === "off" ? null : await publishedTexts(store, { days, most: textsRead });
  }

  function factsOf(
    { texts, ...found }: Pick<TableFacts, "days" | "rows" | "names"> & { texts: string[] | null },
  ) {
    return { ...found, providerOf, words: commonWords(texts ?? [], { most: wordsShown }) };
  }

  /** Of a model that nobody offers any more, as far as the price book knows. */
  function providerOf(model: string): string {
    return models.find(model)?.provider.id ?? prices.rows().find((row) => row.model === model)?.provider ??
      model;
  }

  function hoursFor({ timeZone }: User, counts: number[]): { counts: number[]; zone: string } {
    const there = timeZone === undefined ? null : hoursIn(counts, { timeZone, at: store.now() });
    return there === null ? { counts, zone: "UTC" } : { counts: there, zone: timeZone! };
  }
}

/** A field for a day takes nothing else. */
function dayOrNothing(text: string | undefined): string {
  return text !== undefined && isDay(text) ? text : "";
}

interface Reader {
  user: User;
  scope: Scope;
}

function askedIn(c: AppContext): Asked {
  const { range, from, to } = c.req.query();
  return { range, from, to };
}

/** What can't be read comes back with the usual days, and says what is wrong with it. */
function readAsked(asked: Asked, now: number): { read: ReadDays; problem: string | null } {
  try {
    return { read: readDays(asked, now), problem: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { read: readDays({}, now), problem: error.message };
  }
}
