/** What admins send to change an account: as JSON, and from the form. */
import { z } from "zod";
import { dollarAmount, dollarText } from "../../lib/money/dollars.ts";

const roles = ["owner", "admin", "member"] as const;
const budgetWords = "monthlyBudget must be an amount in dollars such as 25 or 12.5, or null for no limit";

/** What is left out stays as it is. */
export const userChangesInput = z.strictObject({
  role: z.enum(roles, "role must be owner, admin or member"),
  disabled: z.boolean("disabled must be true or false"),
  monthlyBudget: z.union([
    dollarAmount(budgetWords),
    z.null().transform(() => "none" as const),
    z.literal("default"),
  ], budgetWords).describe("Dollars a month, to the millionth; null: no limit; `default`: the server's."),
  moderator: z.boolean("moderator must be true or false").describe("Looks at what is published."),
  mayPublish: z.boolean("mayPublish must be true or false"),
}).partial();

const budgetFieldWords = "A budget is an amount such as 25 or 12.50, none, or empty";

/** The same from a form: text, and everything is sent. */
export const userForm = z.object({
  role: z.enum(roles, "Choose a role"),
  monthlyBudget: z.string(budgetFieldWords).trim().toLowerCase().pipe(z.union([
    z.literal("").transform(() => "default" as const),
    z.literal("none"),
    dollarText(budgetFieldWords, { mostDigits: 9 }),
  ], budgetFieldWords)),
});
