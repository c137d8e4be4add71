/** A user as admins see one, and the list of users. */
import { z } from "zod";
import type { UserView } from "../../lib/accounts/user_view.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import {
  answer,
  dollars,
  dollarsValue,
  idValue,
  iso,
  maybeDollars,
  maybeIso,
  microsValue,
  timeValue,
} from "./values.ts";

export const roleValue = z.enum(["owner", "admin", "member"]);

export const userShape = z.strictObject({
  id: idValue,
  name: z.string(),
  email: z.string().nullable(),
  role: roleValue,
  disabled: z.boolean(),
  moderator: z.boolean().describe("Looks at what is published; admins do so without it."),
  mayPublish: z.boolean().describe("False: a moderator has stopped this person."),
  monthlyBudget: dollarsValue.nullable().describe(
    "The one that counts: the user's own, or else the server's; null: no limit.",
  ),
  isDefaultBudget: z.boolean(),
  spent: dollarsValue,
  spentMicros: microsValue,
  held: dollarsValue,
  heldMicros: microsValue,
  createdAt: timeValue,
  lastSeenAt: timeValue.nullable().describe("Null: never."),
}).meta({ id: "User", description: "A user as admins see one." });

export const userAnswer = answer({ user: userShape });

export function userJson(view: UserView): z.output<typeof userAnswer> {
  return { success: true, user: shapeOf(view) };
}

export const userListAnswer = answer({ users: z.array(userShape), pagination: paginationShape });

export function userListJson(users: UserView[], pagination: Pagination): z.output<typeof userListAnswer> {
  return { success: true, users: users.map(shapeOf), pagination };
}

function shapeOf({ user, budget, lastSeenAt }: UserView): z.output<typeof userShape> {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    disabled: user.isDisabled,
    moderator: user.isModerator === true,
    mayPublish: user.isPublishingStopped !== true,
    monthlyBudget: maybeDollars(budget.limitMicros),
    isDefaultBudget: user.monthlyBudgetMicros === undefined,
    spent: dollars(budget.spentMicros),
    spentMicros: budget.spentMicros,
    held: dollars(budget.heldMicros),
    heldMicros: budget.heldMicros,
    createdAt: iso(user.createdAt),
    lastSeenAt: maybeIso(lastSeenAt),
  };
}
