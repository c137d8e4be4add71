/** Words for what batches have in numbers. */
import type { Batch } from "../../lib/batches/batch.ts";
import type { Difference } from "../../lib/batches/differences.ts";
import { dollars, money, plural, size } from "../shell/format.ts";

const fields: { [field: string]: [one: string, many: string] } = {
  prompt: ["prompt", "prompts"],
  model: ["model", "models"],
  imageSize: ["size", "sizes"],
  count: ["picture", "pictures"],
  seed: ["seed", "seeds"],
  guidance: ["guidance", "guidances"],
  steps: ["number of steps", "numbers of steps"],
  variation: ["variation", "variations"],
  negativePrompt: ["without", "without"],
  watermark: ["watermark", "watermarks"],
};

/** So many values of a field of the JSON API, as people call it. */
export function valuesInWords(count: number, field: string): string {
  const [one, many] = fields[field] ?? [field, field];
  return plural(count, one, many);
}

/** A value of a field, as people say it: "seed 5", "512 × 512". */
export function valueInWords(field: string, value: string): string {
  switch (field) {
    case "prompt":
    case "model":
      return value;
    case "imageSize":
      return size(value);
    case "count":
      return plural(Number(value), "picture");
    case "steps":
      return plural(Number(value), "step");
    case "sources":
      return "other sources";
    default:
      return `${fields[field]?.[0] ?? field} ${value}`;
  }
}

/** What tells a row from the others; empty where nothing does. */
export function differenceInWords({ text, settings }: Difference): string {
  return [text, ...settings.map(({ field, value }) => valueInWords(field, value))].filter(Boolean).join(
    " · ",
  );
}

/** A time that nobody knows to the second: "40 s", "6 min", "2 h 10 min". */
export function roughly(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Where it stands: "87 of 120 · 3 failed · $3.10 of at most $4.80 · about 4 min left". */
export function progressOf(batch: Batch): string {
  const { images, counts } = batch;
  const left = leftMs(batch);
  return [
    stateOf(batch),
    `${counts.images} of ${images}`,
    counts.failed > 0 && `${counts.failed} failed`,
    counts.cancelled > 0 && `${counts.cancelled} cancelled`,
    costOf(batch),
    left !== null && `about ${roughly(left)} left`,
  ].filter(Boolean).join(" · ");
}

function costOf({ chargedMicros, mostMicros, limitMicros, state }: Batch): string {
  const most = Math.min(mostMicros, limitMicros ?? Infinity);
  if (state === "DONE" || state === "STOPPED") return money(chargedMicros);
  return most === 0 ? "free" : `${dollars(chargedMicros)} of at most ${dollars(most)}`;
}

/** Why it does not run; null while it does, and where it is done. */
function stateOf({ state, reason, stopAtStars }: Batch): string | null {
  if (state === "RUNNING") return null;
  if (state === "DONE") return "Done";
  if (state === "PAUSED") return reason === "provider" ? "Paused by itself" : "Paused";
  switch (reason) {
    case "limit":
      return "Stopped at its limit";
    case "stars":
      return `Stopped: ${plural(stopAtStars ?? 0, "picture")} with a star`;
    case "deadline":
      return "Stopped at its deadline";
    default:
      return "Cancelled";
  }
}

const fewForEstimate = 3;

/** From its own pace so far; null where that can't be told. */
function leftMs({ state, rows, counts, createdAt, updatedAt }: Batch): number | null {
  const done = counts.completed + counts.failed + counts.cancelled;
  if (state !== "RUNNING" || done < fewForEstimate || done === rows) return null;
  return (updatedAt - createdAt) / done * (rows - done);
}
