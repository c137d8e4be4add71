/** Who asks, and where their budget stands. */
import { z } from "zod";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { User } from "../../lib/users/user.ts";
import { roleValue } from "./user_json.ts";
import { answer, dollars, dollarsValue, idValue, maybeDollars, microsValue, monthValue } from "./values.ts";

export const budgetShape = z.strictObject({
  month: monthValue,
  limit: dollarsValue.nullable().describe("Null: there is no limit."),
  spent: dollarsValue,
  held: dollarsValue,
  remaining: dollarsValue.nullable(),
  limitMicros: microsValue.nullable(),
  spentMicros: microsValue,
  heldMicros: microsValue,
}).meta({ id: "Budget", description: "Where the budget of the month (UTC) stands." });

export const meAnswer = answer({
  user: z.strictObject({
    id: idValue,
    name: z.string(),
    email: z.string().nullable(),
    role: roleValue,
  }),
  budget: budgetShape,
});

export function meJson(user: User, budget: BudgetState): z.output<typeof meAnswer> {
  return {
    success: true,
    user: { id: user.id, name: user.name, email: user.email, role: user.role },
    budget: {
      month: budget.month,
      limit: maybeDollars(budget.limitMicros),
      spent: dollars(budget.spentMicros),
      held: dollars(budget.heldMicros),
      remaining: maybeDollars(budget.remainingMicros),
      limitMicros: budget.limitMicros,
      spentMicros: budget.spentMicros,
      heldMicros: budget.heldMicros,
    },
  };
}
