/**
 * What is asked of the numbers, each as a table: a page shows it, and CSV and JSON have the same rows. Values are as
 * they are counted; how they are written is decided where they are shown.
 */
import { gather, numbersOf, sumBy, totalOf } from "./analytics.ts";
import { type Days, everyDay } from "./days.ts";
import { emptyRollup, type Rollup } from "./rollup.ts";
import type { RollupRow } from "./rollup_store.ts";

/** What the values of a column are. */
export type ColumnKind = "text" | "day" | "hour" | "count" | "micros" | "share" | "ms";

export interface Column {
  /** As in CSV and JSON. */
  name: string;
  kind: ColumnKind;
}

export type Value = string | number | null;

export interface Table {
  id: TableId;
  columns: readonly Column[];
  rows: readonly (readonly Value[])[];
}

export const tableIds = [
  "days",
  "models",
  "people",
  "failures",
  "providers",
  "times",
  "economy",
  "keepers",
  "hours",
  "words",
] as const;
export type TableId = (typeof tableIds)[number];

/** A word, and how many prompts have it. */
export interface WordCount {
  word: string;
  count: number;
}

export interface TableFacts {
  days: Days;
  rows: readonly RollupRow[];
  /** Names of people by id; one's own numbers name nobody. */
  names: ReadonlyMap<string, string>;
  /** Who makes a model's pictures. */
  providerOf: (model: string) => string;
  words: readonly WordCount[];
}

export function makeTables(facts: TableFacts): { [id in TableId]: Table } {
  const table = (id: TableId, columns: readonly Column[], rows: Value[][]): Table => ({ id, columns, rows });
  // What doesn't ask for days is added up from sums: a year has few models and many days.
  const perModel = { ...facts, rows: gather(facts.rows, ({ model }) => model) };
  return {
    days: table("days", dayColumns, dayRows(facts)),
    models: table("models", modelColumns, modelRows(perModel)),
    people: table("people", peopleColumns, peopleRows(facts)),
    failures: table("failures", failureColumns, failureRows(perModel)),
    providers: table("providers", providerColumns, providerRows(perModel)),
    times: table("times", timeColumns, timeRows(perModel)),
    economy: table("economy", economyColumns, economyRows(perModel)),
    keepers: table("keepers", keeperColumns, keeperRows(perModel)),
    hours: table("hours", hourColumns, hourRows(perModel)),
    words: table("words", wordColumns, facts.words.map(({ word, count }) => [word, count])),
  };
}

const text = (name: string): Column => ({ name, kind: "text" });
const count = (name: string): Column => ({ name, kind: "count" });
const micros = (name: string): Column => ({ name, kind: "micros" });
const share = (name: string): Column => ({ name, kind: "share" });
const ms = (name: string): Column => ({ name, kind: "ms" });

const dayColumns: Column[] = [
  { name: "day", kind: "day" },
  count("prompts"),
  count("completed"),
  count("failed"),
  count("images"),
  micros("costMicros"),
  micros("lostMicros"),
];

/** Each day, also those on which nothing was booked. */
function dayRows({ days, rows }: TableFacts): Value[][] {
  const byDay = sumBy(rows, ({ day }) => day);
  return everyDay(days).map((day) => {
    const { prompts, completed, failed, images, costMicros, lostMicros } = byDay.get(day) ?? emptyRollup;
    return [day, prompts, completed, failed, images, costMicros, lostMicros];
  });
}

const modelColumns: Column[] = [
  text("model"),
  text("provider"),
  count("prompts"),
  count("images"),
  share("imagesShare"),
  micros("costMicros"),
  share("costShare"),
];

function modelRows({ rows, providerOf }: TableFacts): Value[][] {
  const all = totalOf(rows);
  return byWeight(sumBy(rows, ({ model }) => model)).map(([model, { prompts, images, costMicros }]) => [
    model,
    providerOf(model),
    prompts,
    images,
    part(images, all.images),
    costMicros,
    part(costMicros, all.costMicros),
  ]);
}

const peopleColumns: Column[] = [
  text("userId"),
  text("name"),
  text("model"),
  count("prompts"),
  count("images"),
  share("imagesShare"),
  micros("costMicros"),
  share("costShare"),
];

/** Those who spent most first, and of each the models that cost most. */
function peopleRows({ rows, names }: TableFacts): Value[][] {
  const all = totalOf(rows);
  const whose = ({ userId }: RollupRow) => userId ?? "";
  const theirs = Map.groupBy(rows, whose);
  return byWeight(sumBy(rows, whose)).flatMap(([userId]) =>
    byWeight(sumBy(theirs.get(userId)!, ({ model }) => model)).map((
      [model, { prompts, images, costMicros }],
    ) => [
      userId === "" ? null : userId,
      userId === "" ? null : names.get(userId) ?? null,
      model,
      prompts,
      images,
      part(images, all.images),
      costMicros,
      part(costMicros, all.costMicros),
    ])
  );
}

const failureColumns: Column[] = [
  text("provider"),
  text("reason"),
  count("failed"),
  count("ended"),
  share("failureRate"),
];

/** Of what ended by itself, how much failed, and why. */
function failureRows({ rows, providerOf }: TableFacts): Value[][] {
  return byWeight(sumBy(rows, ({ model }) => providerOf(model))).flatMap(([provider, rollup]) =>
    Object.entries(rollup.failures).sort(([, a], [, b]) => b - a).map(([reason, failed]) => [
      provider,
      reason,
      failed,
      endedOf(rollup),
      part(failed, endedOf(rollup)),
    ])
  );
}

const providerColumns: Column[] = [
  text("provider"),
  count("prompts"),
  count("failed"),
  share("failureRate"),
  micros("costMicros"),
  micros("lostMicros"),
];

function providerRows({ rows, providerOf }: TableFacts): Value[][] {
  return byWeight(sumBy(rows, ({ model }) => providerOf(model))).map(([provider, rollup]) => [
    provider,
    rollup.prompts,
    rollup.failed,
    part(rollup.failed, endedOf(rollup)),
    rollup.costMicros,
    rollup.lostMicros,
  ]);
}

const timeColumns: Column[] = [text("model"), count("prompts"), ms("p50Ms"), ms("p95Ms")];

function timeRows({ rows }: TableFacts): Value[][] {
  return byWeight(sumBy(rows, ({ model }) => model)).flatMap(([model, rollup]) => {
    const timed = Object.values(rollup.took).reduce((sum, each) => sum + each, 0);
    const { p50Ms, p95Ms } = numbersOf(rollup);
    return timed === 0 ? [] : [[model, timed, p50Ms, p95Ms]];
  });
}

const economyColumns: Column[] = [text("model"), micros("costMicros"), micros("savedMicros")];

function economyRows({ rows }: TableFacts): Value[][] {
  return byWeight(sumBy(rows, ({ model }) => model)).flatMap(([model, { costMicros, savedMicros }]) =>
    savedMicros === 0 ? [] : [[model, costMicros, savedMicros]]
  );
}

const keeperColumns: Column[] = [
  text("model"),
  count("images"),
  count("keepers"),
  share("keepersShare"),
  micros("costMicros"),
  micros("costPerKeeperMicros"),
];

function keeperRows({ rows }: TableFacts): Value[][] {
  return byWeight(sumBy(rows, ({ model }) => model)).flatMap(([model, { images, keepers, costMicros }]) =>
    images === 0 && keepers === 0
      ? []
      : [[model, images, keepers, part(keepers, images), costMicros, costPerKeeper({ keepers, costMicros })]]
  );
}

/** Micro-dollars; null: nothing was kept. */
export function costPerKeeper(
  { keepers, costMicros }: Pick<Rollup, "keepers" | "costMicros">,
): number | null {
  return keepers === 0 ? null : Math.round(costMicros / keepers);
}

const hourColumns: Column[] = [{ name: "hour", kind: "hour" }, count("prompts")];

/** Hours of UTC. */
function hourRows({ rows }: TableFacts): Value[][] {
  const { hours } = totalOf(rows);
  return Array.from({ length: 24 }, (_, hour) => [hour, hours[hour] ?? 0]);
}

const wordColumns: Column[] = [text("word"), count("prompts")];

/** What cost most first; where that says nothing, what was most. */
function byWeight(sums: ReadonlyMap<string, Rollup>): [string, Rollup][] {
  return [...sums].sort(([a, one], [b, other]) =>
    other.costMicros - one.costMicros || other.images - one.images || other.prompts - one.prompts ||
    (a < b ? -1 : 1)
  );
}

/** Prompts that were not cancelled. */
export function endedOf({ completed, failed }: Pick<Rollup, "completed" | "failed">): number {
  return completed + failed;
}

function part(some: number, all: number): number | null {
  return all === 0 ? null : Math.round(some / all * 10_000) / 10_000;
}
