/** What a request can cost, fixed at one moment: shown before it is sent, compared and set aside when it is accepted. */
import { type Models, notInLots } from "../catalog/models.ts";
import type { Model } from "../catalog/provider.ts";
import type { PriceRow } from "../money/charge.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import type { PromptRequest } from "./prompt.ts";

/** By itself, as soon as it can be; or in a lot, for less money and more patience. */
export const lanes = ["now", "economy"] as const;
export type Lane = (typeof lanes)[number];

export interface Quote {
  request: PromptRequest;
  model: Model;
  /** For one picture. A charge by the price book uses this row, whatever is added to the book meanwhile. */
  priceRow: PriceRow;
  /** The most that the whole request can cost, in micro-dollars. */
  mostMicros: number;
  /** Absent: nobody else adds prices. */
  pricesSeen?: PricesSeen;
}

/** Up to where a quote, or a plan of several, knew the prices that admins add on other nodes. */
export interface PricesSeen {
  versionstamp: string | null;
  /** By all that were added by now. Refuses like `quoteOf`, and with `invalid_model`. */
  quoteAgain(quoted: readonly Pick<Quote, "request" | "priceRow">[]): Promise<Quote[]>;
}

/** Adds to a commit that sets aside what was quoted that no price was added since. */
export function checkPrices(
  atomic: Deno.AtomicOperation,
  { pricesSeen }: Pick<Quote, "pricesSeen">,
): Deno.AtomicOperation {
  if (pricesSeen === undefined) return atomic;
  return atomic.check({ key: keys.priceAdded(), versionstamp: pricesSeen.versionstamp });
}

/** The same by the prices that there are now; null: none was added since. */
export async function quoteAgain(quote: Quote): Promise<Quote | null> {
  const [again] = await quote.pricesSeen?.quoteAgain([quote]) ?? [];
  return again?.pricesSeen?.versionstamp === quote.pricesSeen?.versionstamp ? null : again;
}

/** What quotes knew that are put together: as much as the first of them did. */
export function leastSeen(quotes: readonly Pick<Quote, "pricesSeen">[]): PricesSeen | undefined {
  const seen = quotes.flatMap(({ pricesSeen }) => pricesSeen ?? []);
  return seen.toSorted((a, b) => (a.versionstamp ?? "").localeCompare(b.versionstamp ?? "")).at(0);
}

type Quoting = Pick<Models, "choose" | "price" | "economyPrice" | "quote" | "sharedPrices">;

/** For a request that was checked before. Refuses with `unsupported_option` what the economy lane does not take. */
export function quoteOf(
  models: Quoting,
  { request, model, lane = "now" }: Pick<Quote, "request" | "model"> & { lane?: Lane },
): Quote {
  const quote = lane === "economy"
    ? economyQuoteOf(models, { request, model })
    : quoteNow(models, { request, model });
  return models.sharedPrices === undefined ? quote : { ...quote, pricesSeen: pricesSeenBy(models) };
}

function pricesSeenBy(models: Quoting): PricesSeen {
  return {
    versionstamp: models.sharedPrices!.known(),
    async quoteAgain(quoted) {
      await models.sharedPrices!.load();
      return quoted.map(({ request, priceRow: { lane } }) =>
        quoteOf(models, { request, model: models.choose(request.model), lane })
      );
    },
  };
}

function quoteNow(models: Quoting, { request, model }: Pick<Quote, "request" | "model">): Quote {
  const { edit, imageSize } = request;
  const { perSourceMicros, ...row } = models.price({ model: model.id, size: edit?.askedSize ?? imageSize });
  const priceRow = edit === undefined || perSourceMicros === undefined ? row : { ...row, perSourceMicros };
  return { request, model, priceRow, mostMicros: models.quote(request) };
}

function economyQuoteOf(
  models: Quoting,
  { request, model }: Pick<Quote, "request" | "model">,
): Quote {
  if (request.edit !== undefined) {
    throw new Refusal("unsupported_option", "The economy lane makes pictures from words alone", {
      field: "lane",
    });
  }
  const priceRow = models.economyPrice({ model: model.id, size: request.imageSize });
  if (priceRow === null) throw notInLots(model.id);
  return { request, model, priceRow, mostMicros: models.quote({ ...request, lane: "economy" }) };
}
