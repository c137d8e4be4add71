/** What programs ask about the server and about themselves. */
import { Hono } from "hono";
import { readMonth } from "../../lib/money/ledger.ts";
import { meJson } from "../../views/json/me_json.ts";
import { modelsJson } from "../../views/json/model_json.ts";
import { usageAnswer, usageJson } from "../../views/json/usage_json.ts";
import { type AppDeps, type AppEnv, budgetOf, callerOf } from "../http/context.ts";
import { createOwnAnswer } from "../http/conditional.ts";
import { readMonthName } from "./dashboard.tsx";

type AboutDeps = Pick<AppDeps, "store" | "models" | "defaultBudgetMicros" | "publicUrl" | "secret">;

export function aboutRoutes(deps: AboutDeps) {
  const answerUsage = createOwnAnswer(deps, usageAnswer);
  return new Hono<AppEnv>()
    .get("/api/v1/models", (c) => {
      callerOf(c);
      return c.json(modelsJson(deps.models.available(), deps.models));
    })
    .get("/api/v1/usage", async (c) => {
      const { user } = callerOf(c);
      const month = readMonthName(c, deps.store.now());
      const read = () => readMonth(deps.store, { userId: user.id, month });
      return await answerUsage(c, async () => usageJson(month, await read()), [month]);
    })
    .get("/api/v1/me", async (c) => {
      const { user } = callerOf(c);
      return c.json(meJson(user, await budgetOf(deps, user)));
    });
}
