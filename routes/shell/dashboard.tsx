/** The dashboard, and a month's charges to take along. */
import { Hono } from "hono";
import { monthOf } from "../../lib/money/account.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { readAccount, readMonth } from "../../lib/money/ledger.ts";
import { listUnfinishedPrompts } from "../../lib/prompts/prompt_store.ts";
import { viewImages, viewPrompts } from "../../lib/live/prompt_view.ts";
import { readLately } from "../../lib/statistics/lately.ts";
import type { User } from "../../lib/users/user.ts";
import { byteOrderMark } from "../../views/shell/csv.ts";
import { DashboardPage, type Figures, FiguresFragment } from "../../views/shell/dashboard_page.tsx";
import { usageHeading, usageLine } from "../../views/money/usage_csv.ts";
import { type AppContext, type AppDeps, type AppEnv, budgetOf, callerOf } from "../http/context.ts";
import { countImages, listImages } from "../../lib/images/image_store.ts";
import { listCharges } from "../../lib/accounts/charges.ts";

const recentImages = 6;
/** More than run at once are shown on the generator. */
const runningShown = 12;

type DashboardDeps = Pick<AppDeps, "store" | "models" | "progress" | "defaultBudgetMicros">;

export function dashboardRoutes(deps: DashboardDeps) {
  const { store } = deps;
  return new Hono<AppEnv>()
    .get("/dashboard", async (c) => {
      const { user } = callerOf(c);
      const name = readMonthName(c, store.now());
      const cursor = await readCursor(store, user.id);
      const [money, lately, running, recent, month] = await Promise.all([
        readMoney(user),
        readLately(store, user.id),
        listUnfinishedPrompts(store, user.id),
        listImages(store, { userId: user.id, limit: recentImages }),
        readMonth(store, { userId: user.id, month: name }),
      ]);
      return c.html(
        <DashboardPage
          {...money}
          lately={lately}
          imageCount={recent.total}
          user={user}
          cursor={cursor}
          running={await viewPrompts(deps, running.slice(0, runningShown).toReversed())}
          recent={await viewImages(store, recent.items)}
          shown={{
            name,
            month,
            earlier: monthAfter(name, -1),
            later: name < monthOf(store.now()) ? monthAfter(name, 1) : null,
          }}
        />,
      );
    })
    .get("/dashboard/figures", async (c) => {
      const { user } = callerOf(c);
      const name = monthOf(store.now());
      const [money, lately, imageCount, month] = await Promise.all([
        readMoney(user),
        readLately(store, user.id),
        countImages(store, user.id),
        readMonth(store, { userId: user.id, month: name }),
      ]);
      return c.html(<FiguresFragment {...money} {...{ lately, imageCount, name, month }} />);
    })
    .get("/usage.csv", (c) => {
      const { user } = callerOf(c);
      const month = readMonthName(c, store.now());
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", `attachment; filename="darkroom-${month}.csv"`);
      return c.body(ReadableStream.from(csvOf(user, month)).pipeThrough(new TextEncoderStream()));
    });

  async function readMoney(user: User): Promise<Omit<Figures, "imageCount" | "lately">> {
    const [budget, account, { savedMicros = 0 }] = await Promise.all([
      budgetOf(deps, user),
      readAccount(store, user.id),
      readMonth(store, { userId: user.id, month: monthOf(store.now()) }),
    ]);
    return { budget, account, savedMicros };
  }

  async function* csvOf(user: User, month: string): AsyncGenerator<string> {
    yield byteOrderMark + usageHeading;
    for await (const charge of listCharges(store, { userId: user.id, month })) yield usageLine(charge);
  }
}

export function readMonthName(c: AppContext, now: number): string {
  const month = c.req.query("month") ?? monthOf(now);
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return month;
  throw new Refusal("invalid_request", "month takes a month such as 2026-11");
}

/** The month so many after "2026-11". */
export function monthAfter(month: string, count: number): string {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + count, 1)).toISOString().slice(0, 7);
}
