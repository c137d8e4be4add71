/** Administration of money and machines: spend, charges in doubt, prices, providers, the queue. */
import { countHooks } from "../../lib/hooks/count_hooks.ts";
import { Hono } from "hono";
import { monthOf } from "../../lib/money/account.ts";
import { addPrice } from "../../lib/catalog/add_price.ts";
import { correctCharge, listUnknownCharges } from "../../lib/accounts/correct_charge.ts";
import { changeServerPause } from "../../lib/prompts/pause_queue.ts";
import { viewQueue } from "../../lib/work/queue_view.ts";
import { listChargesOfAll, readDrift, readSpendOfAll } from "../../lib/accounts/spend_view.ts";
import { readUsers } from "../../lib/users/user.ts";
import type { Names } from "../../views/admin/layout.tsx";
import { AdminPricesPage } from "../../views/admin/prices_page.tsx";
import { listNodes } from "../../lib/store/nodes.ts";
import { AdminProvidersPage } from "../../views/admin/providers_page.tsx";
import { AdminQueuePage } from "../../views/admin/queue_page.tsx";
import { serverPauseJson } from "../../views/json/queue_json.ts";
import { AdminSpendPage } from "../../views/admin/spend_page.tsx";
import { spendHeading, spendLines } from "../../views/admin/people_csv.ts";
import { byteOrderMark } from "../../views/shell/csv.ts";
import { allUsageHeading, allUsageLine } from "../../views/money/usage_csv.ts";
import { adminSessionOf, type AppContext, type AppDeps, type AppEnv } from "../http/context.ts";
import { monthAfter, readMonthName } from "../shell/dashboard.tsx";
import { readFormFields, readJsonFields } from "../http/input.ts";
import { orProblem } from "../http/problem.tsx";
import { isForm } from "../http/request_body.ts";
import { correctionForm, pauseForm, pauseInput, priceForm, readPause } from "./money_input.ts";

const chargesShown = 100;

type MoneyDeps = Pick<
  AppDeps,
  "store" | "models" | "prices" | "health" | "readiness" | "sources" | "doorbell"
>;

export function adminMoneyRoutes(deps: MoneyDeps) {
  const { store, models, prices, health } = deps;
  return new Hono<AppEnv>()
    .get("/admin/spend", async (c) => c.html(await spendPage(c, null)))
    .get("/admin/spend.csv", (c) => {
      adminSessionOf(c);
      const month = readMonthName(c, store.now());
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", `attachment; filename="darkroom-all-${month}.csv"`);
      return c.body(ReadableStream.from(csvOf(month)).pipeThrough(new TextEncoderStream()));
    })
    .get("/admin/spend-by.csv", async (c) => {
      adminSessionOf(c);
      const month = readMonthName(c, store.now());
      const { users } = await readSpendOfAll(store, month);
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", `attachment; filename="darkroom-spend-${month}.csv"`);
      return c.body(byteOrderMark + spendHeading + users.map((each) => spendLines(month, each)).join(""));
    })
    .post("/admin/spend/:promptId", async (c) => {
      const { user } = adminSessionOf(c);
      return await orProblem(c, { page: ({ message }) => spendPage(c, message) }, async () => {
        const { billed: billedMicros, note } = await readFormFields(c, correctionForm);
        await correctCharge(store, { promptId: c.req.param("promptId"), billedMicros, by: user.id, note });
        return c.redirect("/admin/spend", 303);
      });
    })
    .get("/admin/prices", async (c) => c.html(await pricesPage(c, null)))
    .post("/admin/prices", async (c) => {
      const { user } = adminSessionOf(c);
      return await orProblem(c, { page: ({ message }) => pricesPage(c, message) }, async () => {
        const { cost: costMicros, lane, ...row } = await readFormFields(c, priceForm);
        await addPrice(deps, { ...row, costMicros, by: user.id, ...(lane === "economy" && { lane }) });
        return c.redirect("/admin/prices", 303);
      });
    })
    .get("/admin/providers", async (c) => {
      const { user } = adminSessionOf(c);
      return c.html(
        <AdminProvidersPage
          user={user}
          failing={await deps.readiness.failures()}
          providers={await health.check()}
          sourceObstacle={deps.sources.obstacle}
          nodes={store.isShared ? await listNodes(store) : []}
        />,
      );
    })
    .get("/admin/queue", async (c) => c.html(await queuePage(c, null)))
    .post("/admin/queue", async (c) => {
      const { user } = adminSessionOf(c);
      if (!isForm(c)) {
        const change = readPause(await readJsonFields(c, pauseInput), models);
        await changeServerPause(deps, { actor: user, change });
        return c.json(serverPauseJson(change));
      }
      return await orProblem(c, { page: ({ message }) => queuePage(c, message) }, async () => {
        const change = readPause(await readFormFields(c, pauseForm), models);
        await changeServerPause(deps, { actor: user, change });
        return c.redirect("/admin/queue", 303);
      });
    });

  async function queuePage(c: AppContext, problem: string | null) {
    const { user } = adminSessionOf(c);
    const [queue, hooks] = await Promise.all([viewQueue(store), countHooks(store)]);
    const { running, waiting, delayed, pauses } = queue;
    const userIds = [...[...running, ...waiting].map(({ userId }) => userId), ...pauses.map(({ by }) => by)];
    const names = await namesOf(userIds);
    const isBusy = running.length + waiting.length + delayed.length > 0;
    return (
      <AdminQueuePage
        {...{ user, queue, hooks, names, isBusy, problem }}
        providers={models.providers}
      />
    );
  }

  async function spendPage(c: AppContext, problem: string | null) {
    const { user } = adminSessionOf(c);
    const name = readMonthName(c, store.now());
    const [spend, inDoubt] = await Promise.all([
      readSpendOfAll(store, name),
      listUnknownCharges(store, { limit: chargesShown }),
    ]);
    const names = await namesOf(inDoubt.flatMap(({ userId }) => userId ?? []));
    const later = name < monthOf(store.now()) ? monthAfter(name, 1) : null;
    return (
      <AdminSpendPage
        {...{ user, name, spend, inDoubt, names, problem }}
        earlier={monthAfter(name, -1)}
        later={later}
      />
    );
  }

  async function pricesPage(c: AppContext, problem: string | null) {
    const { user } = adminSessionOf(c);
    const rows = prices.rows();
    const names = await namesOf(rows.flatMap((row) => "by" in row ? [row.by] : []));
    const today = new Date(store.now()).toISOString().slice(0, 10);
    const drift = await readDrift(store);
    return <AdminPricesPage {...{ user, rows, names, today, drift, problem }} models={models.available()} />;
  }

  async function namesOf(userIds: string[]): Promise<Names> {
    const users = await readUsers(store, [...new Set(userIds)]);
    return new Map(users.map(({ id, name }) => [id, name]));
  }

  async function* csvOf(month: string): AsyncGenerator<string> {
    yield byteOrderMark + allUsageHeading;
    for await (const charge of listChargesOfAll(store, month)) yield allUsageLine(charge);
  }
}
