/**
 * What keys that may generate do besides: ask for pictures, hear what became of them, and cancel. What is asked for is
 * accepted as everywhere, by `requestPrompt`, which also holds the most that the agent agreed to pay.
 */
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { invalidToken } from "../../lib/identity/authenticate.ts";
import { findNamed } from "../../lib/images/named.ts";
import type { Image } from "../../lib/images/image.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { keepMask, refuseBadMask } from "../../lib/images/mask_store.ts";
import { viewPrompt } from "../../lib/live/prompt_view.ts";
import { microsWithin } from "../../lib/money/dollars.ts";
import { drawShapes } from "../../lib/pixels/mask.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import { checkPromptRequest, maxSeed, namedIn } from "../../lib/prompts/prompt_request.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { type Quote, quoteOf } from "../../lib/prompts/quote.ts";
import { findAccepted, requestPrompt } from "../../lib/prompts/request_prompt.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { User } from "../../lib/users/user.ts";
import { cancelPrompt } from "../../lib/work/cancel.ts";
import { dollars } from "../../views/shell/format.ts";
import { quoteAnswer, quoteAnswerShape, quoteWords } from "../../views/mcp/model_answer.ts";
import { isUnfinished, promptAnswer, promptAnswerShape, promptWords } from "../../views/mcp/prompt_answer.ts";
import { type AppDeps, budgetOf } from "../http/context.ts";
import { linkTo, shownPictures } from "./shown_pictures.ts";
import { answered, type Asked, failed, type ToldProgress, type Tool, tool } from "./tool.ts";

export type MakingDeps = Pick<
  AppDeps,
  | "store"
  | "models"
  | "progress"
  | "changes"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "blobs"
  | "files"
  | "decoding"
  | "defaultBudgetMicros"
  | "promptMaxChars"
  | "publicUrl"
>;

/** Programs between the agent and here give up after 60 s. */
const longestWaitSeconds = 50;
const mostPictures = 4;
const shownWidth = 640;

const countWords = `count must be a whole number from 1 to ${mostPictures}`;
const seedWords = `seed must be a whole number from 0 to ${maxSeed}`;
const mostDollars = 1_000_000;
const costWords = `max_cost_usd must be a number of dollars from 0 to ${mostDollars}`;
const keyWords = "request_id must be 1 to 255 visible characters without spaces";
const areaWords = "area must be fractions of the picture such as " +
  '{"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.5}, each from 0 to 1';
const waitWords = `wait_seconds must be a number from 0 to ${longestWaitSeconds}`;

const settings = {
  model: z.string("model must be text").optional().meta({
    description: "As list_models calls it; the default model unless given",
  }),
  size: z.string("size must be text such as 1024x1024").optional().meta({
    description: "WIDTHxHEIGHT, one of the model's sizes",
  }),
  count: z.int(countWords).min(1, countWords).max(mostPictures, countWords).optional().meta({
    description: "How many pictures; 1 unless given",
  }),
  seed: z.int(seedWords).min(0, seedWords).max(maxSeed, seedWords).optional().meta({
    description: "The same seed and words make the same picture, where the model takes one",
  }),
};

const costField = z.number(costWords).min(0, costWords).max(mostDollars, costWords).optional().meta({
  description:
    "The most that this may cost, in dollars. Required where the model is not free: ask quote_image",
});
const keyField = z.string(keyWords).regex(/^[\x21-\x7e]{1,255}$/, keyWords).meta({
  description:
    "A new one for each new wish, unlikely to be used twice, such as a UUID; the same one when a call " +
    "is repeated because its answer was lost: it then joins the first call and costs nothing",
});

const promptField = z.string("prompt must be text").meta({ description: "What the picture shows" });

const generateInput = z.strictObject({
  prompt: promptField,
  ...settings,
  max_cost_usd: costField,
  request_id: keyField,
});

const quoteInput = z.strictObject({
  prompt: promptField,
  ...settings,
  max_cost_usd: costField,
  request_id: keyField.optional(),
});

const fraction = z.number(areaWords).min(0, areaWords).max(1, areaWords);

const editInput = z.strictObject({
  source_id: z.string("source_id must be the id of a picture").meta({ description: "The picture to change" }),
  instruction: z.string("instruction must be text").meta({ description: "What to change, in words" }),
  area: z.strictObject({ x: fraction, y: fraction, width: fraction, height: fraction }, areaWords).optional()
    .meta({
      description: "The only part that may change, in fractions of the picture; the rest stays as it is",
    }),
  ...settings,
  max_cost_usd: costField,
  request_id: keyField,
});

const idField = z.string("id must be the id of a prompt");

const promptInput = z.strictObject({
  id: idField,
  wait_seconds: z.number(waitWords).min(0, waitWords).max(longestWaitSeconds, waitWords).optional().meta({
    description: "How long to wait for its end; not at all unless given",
  }),
});

const cancelInput = z.strictObject({ id: idField });

type Area = NonNullable<z.output<typeof editInput>["area"]>;
/** A request as programs send it. */
type Body = { [name: string]: unknown };

/** What an agent wants made. */
interface Wish {
  /** What the same `request_id` must stand for, whatever it may cost. */
  body: Body;
  requestId: string;
  /** Undefined: nothing. */
  maxCostUsd: number | undefined;
  /** The request itself, where making it takes more than the body. */
  complete?: () => Promise<Body>;
}

const making = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true };
const looking = { readOnlyHint: true, openWorldHint: false };

export function makingTools(deps: MakingDeps): Tool[] {
  const { store, models, publicUrl } = deps;
  return [
    tool({
      name: "get_prompt",
      title: "Look at a prompt",
      description:
        "How a prompt stands, what it cost, and its pictures; with wait_seconds, once it is over or the wait ends.",
      scope: "generate",
      annotations: looking,
      input: promptInput,
      output: promptAnswerShape,
      async run({ id, wait_seconds: seconds = 0 }, asked) {
        const { value } = await findPrompt(store, { userId: asked.user.id, promptId: id });
        if (seconds > 0) await waitFor(value, { seconds, asked });
        const { view, pictures } = await readNow(value, asked);
        return answered(promptWords(view, publicUrl), promptAnswer(view, publicUrl), pictures);
      },
    }),
    tool({
      name: "quote_image",
      title: "Ask for a price",
      description: "The most that generate_image can cost with these settings. Nothing is made or set aside.",
      scope: "generate",
      annotations: looking,
      input: quoteInput,
      output: quoteAnswerShape,
      async run({ max_cost_usd: _, request_id: __, ...fields }, { user }) {
        const quote = await quoteFor(user, bodyOf(fields));
        return answered(quoteWords(quote), quoteAnswer(quote, await budgetOf(deps, user)));
      },
    }),
    tool({
      name: "generate_image",
      title: "Make pictures",
      description:
        `Makes pictures from words and waits for them, at most ${longestWaitSeconds} seconds; where it takes longer, ` +
        "get_prompt tells the rest. It costs money unless the model is free.",
      scope: "generate",
      annotations: making,
      input: generateInput,
      output: promptAnswerShape,
      run({ max_cost_usd: maxCostUsd, request_id: requestId, ...fields }, asked) {
        return make({ body: bodyOf(fields), requestId, maxCostUsd }, asked);
      },
    }),
    tool({
      name: "edit_image",
      title: "Change a picture",
      description:
        "Changes a picture by words, all of it or one part, and answers as generate_image does. The picture itself " +
        "stays: what is made is a new one.",
      scope: "generate",
      annotations: making,
      input: editInput,
      output: promptAnswerShape,
      run(
        { max_cost_usd: maxCostUsd, request_id: requestId, source_id, instruction, area, ...fields },
        asked,
      ) {
        const sources = [{ id: source_id, role: "base" }];
        const body = { ...bodyOf({ prompt: instruction, ...fields }), sources };
        if (area === undefined) return make({ body, requestId, maxCostUsd }, asked);
        const complete = async () => ({ ...body, mask: await maskFor(asked.user, { source_id, area }) });
        return make({ body: { ...body, area }, requestId, maxCostUsd, complete }, asked);
      },
    }),
    tool({
      name: "cancel_prompt",
      title: "Cancel a prompt",
      description:
        "Cancels a prompt that is not over. What the provider bills for it all the same is charged.",
      scope: "generate",
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
      input: cancelInput,
      output: promptAnswerShape,
      async run({ id }, { user }) {
        const found = await findPrompt(store, { userId: user.id, promptId: id });
        const view = await viewPrompt(deps, await cancelPrompt(deps, found));
        return answered(promptWords(view, publicUrl), promptAnswer(view, publicUrl));
      },
    }),
  ];

  async function make(wish: Wish, asked: Asked): Promise<CallToolResult> {
    const prompt = await accept(wish, asked.user);
    await waitFor(prompt, { seconds: longestWaitSeconds, asked });
    const { view, pictures } = await readNow(prompt, asked);
    const words = promptWords(view, publicUrl);
    const { status } = view.prompt;
    if (status === "FAILED" || status === "CANCELLED") {
      return failed(`${words}\nTo try again, call with another request_id.`, pictures);
    }
    const late = isUnfinished(view) ? "It takes longer than this call may. " : "";
    return answered(late + words, promptAnswer(view, publicUrl), pictures);
  }

  async function accept({ body, requestId, maxCostUsd, complete }: Wish, user: User): Promise<Prompt> {
    deps.limits.generate.take(user.id);
    const idempotency = { key: requestId, body };
    // What was accepted is answered again, also where a model or a picture that it names is gone by now.
    const earlier = await findAccepted(store, { userId: user.id, idempotency });
    if (earlier !== null) return earlier.prompt.value;
    const quote = await quoteFor(user, complete === undefined ? body : await complete());
    if (maxCostUsd === undefined && quote.model.isUnpriced) throw priceUnknown(quote);
    try {
      const atMostMicros = microsWithin(maxCostUsd ?? 0);
      const accepted = await requestPrompt(deps, { user, quote, atMostMicros, idempotency });
      return accepted.prompt.value;
    } catch (error) {
      if (!(error instanceof Refusal) || error.costMicros === null) throw error;
      throw beyondAgreed(error.costMicros, maxCostUsd);
    }
  }

  async function quoteFor(user: User, body: Body): Promise<Quote> {
    const named = await findNamed(store, { userId: user.id, ...namedIn(body) });
    return quoteOf(models, checkPromptRequest(body, { models, maxChars: deps.promptMaxChars, named }));
  }

  /** The same area of the same picture is the same mask, so nothing more is kept where a call is repeated. */
  function maskFor(
    user: User,
    { source_id: imageId, area }: { source_id: string; area: Area },
  ): Promise<string> {
    // One picture a user at a time is in memory; the others wait where they come from.
    return store.locks.hold(`picture ${user.id}`, async () => {
      const base = await findImage(store, { userId: user.id, imageId });
      const shapes = [{ kind: "rect" as const, ...area }];
      const mask = refuseBadMask(() => drawShapes(shapes, { size: base }));
      return (await keepMask(deps, { base, mask })).mask.id;
    });
  }

  async function waitFor(
    prompt: Prompt,
    { seconds, asked: { signal, isWelcome, tellProgress } }: { seconds: number; asked: Asked },
  ): Promise<void> {
    const stop = tellProgress === null ? null : followProgress(prompt, tellProgress);
    try {
      await deps.changes.waitForFinal(prompt, { timeoutMs: seconds * 1000, signal, isWelcome });
    } finally {
      stop?.();
    }
  }

  /** What is told only grows: each step of a percent, and each stage as a tenth of one. */
  function followProgress({ id }: Prompt, told: (progress: ToldProgress) => void): () => void {
    let reached = 0;
    let latest: string = "queued";
    told({ progress: 0, total: 100, message: latest });
    return deps.progress.follow(id, ({ stage, percent }) => {
      const whole = Math.min(99, Math.floor(percent ?? 0));
      if (whole <= reached && stage === latest) return;
      reached = Math.max(whole, Math.round(reached * 10 + 1) / 10);
      latest = stage;
      told({ progress: reached, total: 100, message: stage });
    });
  }

  async function readNow({ id, userId }: Prompt, { signal, isWelcome }: Asked) {
    if (!await isWelcome()) throw invalidToken();
    const view = await viewPrompt(deps, await findPrompt(store, { userId, promptId: id }));
    const images = signal.aborted ? [] : view.images.map(({ image }) => image);
    return { view, pictures: await picturesOf(images) };
  }

  /** Where storage does not answer, what was paid for is told all the same, and where it is found later. */
  async function picturesOf(images: readonly Image[]): Promise<ContentBlock[]> {
    try {
      return await shownPictures(deps, { images, width: shownWidth });
    } catch (error) {
      if (error instanceof Refusal && error.code === "unavailable") return images.map(linkTo);
      throw error;
    }
  }
}

/** Its words are an agent's, the rest as every program calls it. */
function bodyOf({ size, ...fields }: { size?: string; [name: string]: unknown }): Body {
  const body = { ...fields, imageSize: size };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function beyondAgreed(costMicros: number, agreedUsd: number | undefined): Refusal {
  const most = dollars(costMicros);
  const why = agreedUsd === undefined
    ? `This is not free, so max_cost_usd is required: it can cost up to ${most}`
    : `This can cost up to ${most}, which is more than max_cost_usd`;
  const words = `${why}. Nothing was accepted and nothing is held. ` +
    `To go on, send it again with max_cost_usd ${costMicros / 1_000_000}`;
  return new Refusal("conflict", words, { field: "max_cost_usd", costMicros });
}

function priceUnknown({ model }: Quote): Refusal {
  const words =
    `Nobody tells what ${model.id} costs, so max_cost_usd is required: what it says can't be held there, ` +
    "and what was billed is seen afterwards. Nothing was accepted";
  return new Refusal("conflict", words, { field: "max_cost_usd" });
}
