/** Everybody with an account, and what each spent with which model, as CSV for admins. */
import type { SpendOfAll } from "../../lib/accounts/spend_view.ts";
import type { UserView } from "../../lib/accounts/user_view.ts";
import { csvLine } from "../shell/csv.ts";

export const peopleHeading = csvLine([
  "User id",
  "Name",
  "E-mail",
  "Role",
  "Disabled",
  "Budget (USD)",
  "Spent this month (USD)",
  "Set aside (USD)",
  "Stored (bytes)",
  "Joined (UTC)",
  "Last seen (UTC)",
]);

export function personLine({ user, budget, lastSeenAt }: UserView, { storedBytes }: { storedBytes: number }) {
  return csvLine([
    user.id,
    user.name,
    user.email ?? "",
    user.role,
    user.isDisabled ? "yes" : "no",
    budget.limitMicros === null ? "" : budget.limitMicros / 1_000_000,
    budget.spentMicros / 1_000_000,
    budget.heldMicros / 1_000_000,
    storedBytes,
    new Date(user.createdAt).toISOString(),
    lastSeenAt === null ? "" : new Date(lastSeenAt).toISOString(),
  ]);
}

export const spendHeading = csvLine(["Month", "User id", "Name", "Model", "Pictures", "Cost (USD)"]);

export function spendLines(month: string, { user, month: spent }: SpendOfAll["users"][number]): string {
  const models = Object.entries(spent.models).sort(([a], [b]) => a < b ? -1 : 1);
  return models.map(([model, { images, costMicros }]) =>
    csvLine([month, user?.id ?? "", user?.name ?? "Deleted accounts", model, images, costMicros / 1_000_000])
  ).join("");
}
