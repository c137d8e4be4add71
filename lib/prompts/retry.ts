/** Submitting a prompt again, as a new one with the same settings. */
import type { Models } from "../catalog/models.ts";
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";
import type { Filing, Prompt, RecipeUse } from "./prompt.ts";
import { checkWatermark, takesNone } from "./prompt_request.ts";
import { type Quote, quoteOf } from "./quote.ts";
import { type Accepted, type RequestDeps, requestPrompt } from "./request_prompt.ts";
import { mayIn, type Shared } from "../users/membership.ts";
import type { User } from "../users/user.ts";

/** Refuses like `requestPrompt` and `quoteRetry`. */
export async function retryPrompt(
  deps: RequestDeps & { models: Models },
  { user, prompt, idempotencyKey, atMostMicros }: {
    user: User;
    prompt: Prompt;
    idempotencyKey?: string;
    /** What was shown before; left out, whatever it costs is agreed to. */
    atMostMicros?: number;
  },
): Promise<Accepted> {
  return await requestPrompt(deps, {
    user,
    quote: quoteRetry(deps.models, prompt),
    filing: await filingNow(deps.store, prompt),
    recipe: await recipeNow(deps.store, prompt),
    atMostMicros,
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

/** Without the board, where that was deleted meanwhile, or is nothing that the user may put pictures onto any more. */
export async function filingNow(
  { kv }: Store,
  { userId, filing }: Pick<Prompt, "userId" | "filing">,
): Promise<Filing | undefined> {
  if (filing === undefined || filing.boardId === null) return filing;
  const board = await read<Shared>(kv, keys.board(filing.boardId));
  if (board !== null && mayIn(board.value, { userId, right: "edit" })) return filing;
  return filing.tags.length === 0 ? undefined : { ...filing, boardId: null };
}

/** Undefined, where the recipe was deleted meanwhile. */
export async function recipeNow(
  { kv }: Store,
  { recipe }: Pick<Prompt, "recipe">,
): Promise<RecipeUse | undefined> {
  if (recipe === undefined) return undefined;
  return await read(kv, keys.recipe(recipe.recipeId)) === null ? undefined : recipe;
}
