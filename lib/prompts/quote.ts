/** What a request can cost, fixed at one moment: shown before it is sent, compared and set aside when it is accepted. */
import { type Models, notInLots } from "../catalog/models.ts";
import type { Model } from "../catalog/provider.ts";
import type { PriceRow } from "../money/charge.ts";
import { Refusal } from "../refusal.ts";
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
}

/** For a request that was checked before. Refuses with `unsupported_option` what the economy lane does not take. */
export function quoteOf(
  models: Pick<Models, "price" | "economyPrice" | "quote">,
  { request, model, lane = "now" }: Pick<Quote, "request" | "model"> & { lane?: Lane },
): Quote {
  const { edit, imageSize } = request;
  if (lane === "economy") return economyQuoteOf(models, { request, model });
  const { perSourceMicros, ...row } = models.price({ model: model.id, size: edit?.askedSize ?? imageSize });
  const priceRow = edit === undefined || perSourceMicros === undefined ? row : { ...row, perSourceMicros };
  return { request, model, priceRow, mostMicros: models.quote(request) };
}

function economyQuoteOf(
  models: Pick<Models, "economyPrice" | "quote">,
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
