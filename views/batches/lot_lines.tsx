/** Where the lots of a batch are: a line each, for people who wait for them. */
import type { EconomyOffer } from "../../lib/batches/economy.ts";
import type { Lot } from "../../lib/lots/lot.ts";
import { dollars, plural } from "../shell/format.ts";
import { Clock } from "../shell/time.tsx";

export interface LotLinesProps {
  /** Oldest first. */
  lots: readonly Lot[];
  now: number;
  /** Of the reader's profile. */
  zone?: string;
}

export function LotLines({ lots, ...around }: LotLinesProps) {
  const shown = lots.filter(({ state, submittedAt }) => state !== "over" || submittedAt !== null);
  if (shown.length === 0) return null;
  return (
    <ul class="lots">
      {shown.map((lot) => (
        <li data-lot-id={lot.id} data-state={lot.state}>
          <LotWords lot={lot} {...around} />
        </li>
      ))}
    </ul>
  );
}

function LotWords({ lot, now, zone }: { lot: Lot } & Omit<LotLinesProps, "lots">) {
  const { providerName: name } = lot;
  const count = plural(lot.promptIds.length, "prompt");
  const saves = lot.savesMicros > 0 && ` · saves ${dollars(lot.savesMicros)}`;
  const sent = lot.submittedAt !== null && (
    <>
      Sent to {name} at <Clock at={lot.submittedAt} now={now} zone={zone} />
    </>
  );
  switch (lot.state) {
    case "uploading":
      return <>{`${count} on the way to ${name}`}</>;
    case "submitting":
      return <>{`${count} being handed to ${name}`}</>;
    case "running":
      return (
        <>
          {sent}
          {lot.isStopAsked ? " · asked to stop" : (
            <>
              {" · usually within the hour, at the latest "}
              <Clock at={lot.expiresAt!} now={now} zone={zone} />
            </>
          )}
          {saves}
        </>
      );
    case "collecting":
      return <>{sent} · fetching what came of it</>;
    case "over":
      return (
        <>
          {sent} · {endWords(lot)}
        </>
      );
  }
}

function endWords({ end }: Lot): string {
  switch (end) {
    case "completed":
      return "done";
    case "expired":
      return "not all of it was done in time";
    case "cancelled":
      return "stopped";
    case "failed":
    case "refused":
      return "refused";
    case "lost":
    case null:
      return "nobody can say what came of it";
  }
}

/** What a quote says of the lane: "up to 24 hours, half price: at most $2.40 instead of $4.80". */
export function economyWords(
  { mostMicros, withinMs }: EconomyOffer,
  { insteadOfMicros }: { insteadOfMicros: number },
): string {
  const isHalf = insteadOfMicros > 0 && Math.abs(mostMicros / insteadOfMicros - 0.5) < 0.01;
  const price = isHalf ? "half price" : "another price";
  const hours = Math.ceil(withinMs / 3600_000);
  return `up to ${hours} hours, ${price}: at most ${dollars(mostMicros)} instead of ${
    dollars(insteadOfMicros)
  }`;
}
