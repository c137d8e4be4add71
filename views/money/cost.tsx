/** What something cost, and on request where the amount comes from. */
import { charge, dollars } from "../shell/format.ts";
import { Time } from "../shell/time.tsx";
import type { Charge, Usage, UsageKind } from "../../lib/money/charge.ts";

export interface Costed extends Charge {
  isAboveHold?: boolean;
  correction?: { note: string; bookedAt: number };
}

/** The amount; where money was charged it opens to how that came about. */
export function Cost({ cost, isCompleted }: { cost: Costed; isCompleted: boolean }) {
  const amount = charge({ ...cost, isCompleted });
  if (cost.costMicros === 0 && cost.correction === undefined) return <span>{amount}</span>;
  return (
    <details class="cost">
      <summary>{amount}</summary>
      <p>{costSource(cost)}</p>
      {cost.savedMicros !== undefined && (
        <p>In the economy lane: {dollars(cost.savedMicros)} less than by itself.</p>
      )}
      {cost.isAboveHold && <p>This is more than was set aside for it.</p>}
      {cost.correction && (
        <p>
          Put right <Time at={cost.correction.bookedAt} />: {cost.correction.note}
        </p>
      )}
    </details>
  );
}

const tokenWords: { [kind in UsageKind]: string } = {
  textIn: "of the prompt",
  cachedTextIn: "of the prompt, read before",
  imageIn: "of pictures sent",
  textOut: "of thought",
  imageOut: "of picture",
};

/** Where an amount comes from, in a sentence. */
export function costSource({ basis, priceRow, usage, correction }: Costed): string {
  if (correction !== undefined) return "What the provider billed, as looked up there.";
  switch (basis) {
    case "reported":
      return "Reported by the provider.";
    case "computed":
      return `Computed from what the provider reports to have used: ${usageWords(usage ?? {})}.`;
    case "table":
      return priceRow === null
        ? "By the price book."
        : `By the price book: ${dollars(priceRow.costMicros)} a picture${
          priceRow.size === "*" ? "" : ` at ${priceRow.size}`
        }${priceRow.lane === undefined ? "" : ` in the ${priceRow.lane} lane`}, since ${priceRow.validFrom}.`;
    case "unknown":
      return "Nobody can say whether it was billed, so what was set aside is booked.";
    case "none":
      return "Nothing was billed.";
  }
}

function usageWords(usage: Usage): string {
  const parts = (Object.entries(usage) as [UsageKind, number][])
    .map(([kind, count]) => `${count.toLocaleString("en-US")} tokens ${tokenWords[kind]}`);
  return parts.join(", ") || "nothing";
}
