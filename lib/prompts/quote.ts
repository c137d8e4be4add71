/** What a request can cost, fixed at one moment: shown before it is sent, compared and set aside when it is accepted. */
import type { Models } from "../catalog/models.ts";
import type { Model } from "../catalog/provider.ts";
import type { PriceRow } from "../money/charge.ts";
import type { PromptRequest } from "./prompt.ts";

export interface Quote {
  request: PromptRequest;
  model: Model;
  /** For one picture. A charge by the price book uses this row, whatever is added to the book meanwhile. */
  priceRow: PriceRow;
  /** The most that the whole request can cost, in micro-dollars. */
  mostMicros: number;
}

/** For a request that was checked before. */
export function quoteOf(
  models: Pick<Models, "price" | "quote">,
  { request, model }: Pick<Quote, "request" | "model">,
): Quote {
  const { edit, imageSize } = request;
  const { perSourceMicros, ...row } = models.price({ model: model.id, size: edit?.askedSize ?? imageSize });
  const priceRow = edit === undefined || perSourceMicros === undefined ? row : { ...row, perSourceMicros };
  return { request, model, priceRow, mostMicros: models.quote(request) };
}
