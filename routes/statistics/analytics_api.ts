/** What was booked by day, person and model, for programs: as JSON, or as a table. */
import { Hono } from "hono";
import { numbersOf, totalOf } from "../../lib/statistics/analytics.ts";
import { readDays } from "../../lib/statistics/days.ts";
import { readAnalytics, type Scope } from "../../lib/statistics/read_analytics.ts";
import { Refusal } from "../../lib/refusal.ts";
import { analyticsHeading, analyticsJson, analyticsLine } from "../../views/json/analytics_json.ts";
import { byteOrderMark } from "../../views/shell/csv.ts";
import { adminOf, type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";

export function analyticsApiRoutes({ store }: Pick<AppDeps, "store">) {
  return new Hono<AppEnv>()
    .get("/api/v1/analytics", async (c) => {
      const { user } = callerOf(c);
      const scope = oneOf(c, "scope", ["mine", "all"]) satisfies Scope;
      const format = oneOf(c, "format", ["json", "csv"]);
      if (scope === "all") adminOf(c);
      const { from, to } = c.req.query();
      const { days } = readDays({ from, to }, store.now());
      const found = await readAnalytics(store, { userId: user.id, scope, days });
      const rows = found.rows.map((row) => ({ ...row, numbers: numbersOf(row.rollup) }));
      if (format === "json") return c.json(analyticsJson({ rows, total: numbersOf(totalOf(found.rows)) }));
      return csvFile(c, {
        name: `darkroom-analytics-${days.from}-${days.to}`,
        text: analyticsHeading + rows.map(analyticsLine).join(""),
      });
    });
}

export function csvFile(c: AppContext, { name, text }: { name: string; text: string }): Response {
  c.header("Content-Type", "text/csv; charset=utf-8");
  c.header("Content-Disposition", `attachment; filename="${name}.csv"`);
  return c.body(byteOrderMark + text);
}

/** The first where nothing is said. */
function oneOf<T extends string>(c: AppContext, name: string, values: readonly [T, ...T[]]): T {
  const text = c.req.query(name) || values[0];
  const value = values.find((each) => each === text);
  if (value === undefined) {
    throw new Refusal("invalid_request", `${name} takes ${values.join(" or ")}`, { field: name });
  }
  return value;
}
