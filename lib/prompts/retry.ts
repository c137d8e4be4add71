/** Submitting a prompt again, as a new one with the same settings. */
import type { Models } from "../catalog/models.ts";
import type { Prompt } from "./prompt.ts";
import { checkWatermark, takesNone } from "./prompt_request.ts";
import { type Quote, quoteOf } from "./quote.ts";
import { type Accepted, type RequestDeps, requestPrompt } from "./request_prompt.ts";
import type { User } from "../users/user.ts";

/** Refuses like `requestPrompt` and `quoteRetry`. */
export function retryPrompt(
  deps: RequestDeps & { models: Models },
  { user, prompt, idempotencyKey }: { user: User; prompt: Prompt; idempotencyKey?: string },
): Promise<Accepted> {
  return requestPrompt(deps, {
    user,
    quote: quoteRetry(deps.models, prompt),
    idempotency: idempotencyKey === undefined
      ? undefined
      : { key: idempotencyKey, body: { retryOf: prompt.id } },
  });
}

/**
 * What the same costs now. Refuses with `invalid_model` when the model is gone, with `unsupported_option` when it takes
 * no pictures any more, and with `invalid_request` for a watermark of earlier days that can't be drawn.
 */
export function quoteRetry(models: Models, { request }: Pick<Prompt, "request">): Quote {
  const model = models.choose(request.model);
  checkWatermark(request, model);
  if (request.edit !== undefined && model.edit === null) throw takesNone(model);
  return quoteOf(models, { request, model });
}
