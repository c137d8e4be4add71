/** What is left to spend this month. */
import type { BudgetState } from "../../lib/money/budget.ts";
import { dollars } from "../shell/format.ts";

export function Budget({ budget }: { budget: BudgetState }) {
  const { remainingMicros, spentMicros, heldMicros } = budget;
  return (
    <p id="budget" class="budget">
      {remainingMicros === null ? `${dollars(spentMicros)} spent this month` : (
        `${dollars(remainingMicros)} left this month`
      )}
      {heldMicros > 0 && `, ${dollars(heldMicros)} set aside`}
    </p>
  );
}
