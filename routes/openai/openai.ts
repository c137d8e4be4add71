/**
 * OpenAI's images API over the same prompts as Darkroom's own: another way to ask, another way to answer. Clients for it
 * send a request again by themselves, so whatever is answered after a prompt was accepted says that it is not to be, and
 * one that comes again all the same joins the first (`lib/prompts/sent_again.ts`).
 */
import { Hono } from "hono";
import { findNamed } from "../../lib/images/named.ts";
import { readSentMask } from "../../lib/images/sent_mask.ts";
import { keepMask } from "../../lib/images/mask_store.ts";
import { receiveUpload } from "../../lib/images/upload.ts";
import type { Image } from "../../lib/images/image.ts";
import type { Caller } from "../../lib/identity/authenticate.ts";
import { checkPromptRequest, demandAbility, namedIn } from "../../lib/prompts/prompt_request.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import { quoteOf } from "../../lib/prompts/quote.ts";
import { type Accepted, findAccepted, requestPrompt } from "../../lib/prompts/request_prompt.ts";
import type { Versioned } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import { defaultAlias, openAiModelJson, openAiModelsJson } from "../../views/json/openai_json.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readCaller } from "../http/middleware.ts";
import { tellNotToRepeat } from "../http/openai_problem.ts";
import { withSentPictures } from "../http/request_body.ts";
import { readIdempotencyKey } from "../http/request_headers.ts";
import { answerWithPictures } from "./answer.ts";
import {
  type AskedChange,
  type AskedPictures,
  identityOf,
  readChange,
  readGeneration,
} from "./image_request.ts";
import { refuseMethod } from "./methods.ts";
import { streamPictures } from "./picture_stream.ts";

/** Takes pictures that are to be changed. */
export const openAiEditsPath = "/v1/images/edits";

export type OpenAiDeps = Pick<
  AppDeps,
  | "store"
  | "models"
  | "progress"
  | "changes"
  | "doorbell"
  | "readiness"
  | "room"
  | "limits"
  | "defaultBudgetMicros"
  | "promptMaxChars"
  | "blobs"
  | "files"
  | "uploadLimitBytes"
  | "accessTokens"
  | "publicUrl"
  | "secret"
  | "isStopping"
  | "log"
>;

export function openAiRoutes(deps: OpenAiDeps) {
  const { store, models } = deps;
  return new Hono<AppEnv>()
    .get("/v1/models", (c) => {
      callerOf(c);
      return c.json(openAiModelsJson(models.available()));
    })
    .get("/v1/models/:id", (c) => answerModel(c, c.req.param("id")))
    .get("/v1/models/:provider/:id", (c) => answerModel(c, `${c.req.param("provider")}/${c.req.param("id")}`))
    .post("/v1/images/generations", async (c) => {
      const caller = callerOf(c, "generate");
      const asked = await readGeneration(c);
      const accepted = await accept(c, caller, { asked, take: () => Promise.resolve(asked.body) });
      return await answer(c, accepted, { asked, kind: "image_generation" });
    })
    .post(openAiEditsPath, async (c) => {
      const { user } = callerOf(c, "generate");
      const { asked, accepted } = await withSentPictures(c, {
        store,
        userId: user.id,
        work: () => acceptChange(c),
      });
      return await answer(c, accepted, { asked, kind: "image_edit" });
    })
    .all("/v1/models", refuseMethod("GET, HEAD"))
    .all("/v1/models/:id", refuseMethod("GET, HEAD"))
    .all("/v1/images/generations", refuseMethod("POST"))
    .all(openAiEditsPath, refuseMethod("POST"));

  function answerModel(c: AppContext, id: string) {
    callerOf(c);
    const model = models.choose(id === defaultAlias ? undefined : id);
    return c.json(openAiModelJson({ ...model, id }));
  }

  /** All of the pictures are here by now, so who sent them is found out once more. */
  async function acceptChange(c: AppContext): Promise<{ asked: AskedPictures; accepted: Accepted }> {
    const caller = await demandStillCalling(c);
    const { pictures, mask, isRestKept, ...asked } = await readChange(c);
    const change = { pictures, mask, isRestKept, ...asked };
    const accepted = await accept(c, caller, {
      asked: change,
      take: () => takePictures(caller.user, change),
    });
    return { asked, accepted };
  }

  /** Takes the pictures in, and says what is asked for with their ids. */
  async function takePictures(user: User, { body, pictures, mask, isRestKept }: AskedChange) {
    demandAbility(models.choose(body.model), { sources: pictures.length, strength: null });
    const images: Image[] = [];
    for (const { bytes, name } of pictures) {
      images.push((await receiveUpload(deps, { userId: user.id, bytes, name })).image);
    }
    const sources = images.map(({ id }) => ({ id }));
    if (mask === null) return { ...body, sources };
    const kept = await store.locks.hold(`picture ${user.id}`, async () => {
      const pixels = await readSentMask(mask.bytes, { base: images[0], isAlpha: true });
      return await keepMask(deps, { base: images[0], mask: pixels });
    });
    return { ...body, sources, mask: kept.mask.id, keep: isRestKept };
  }

  /** What was accepted for it before, or a new prompt; what it takes is taken in only for that. */
  async function accept(
    c: AppContext,
    { user, credentialId }: Caller,
    { asked, take }: { asked: AskedPictures | AskedChange; take: () => Promise<unknown> },
  ): Promise<Accepted> {
    const key = readIdempotencyKey(c);
    const timesBefore = readTimesBefore(c);
    const body = { path: c.req.path, asked: await identityOf(asked) };
    const once = key !== undefined ? { idempotency: { key, body } } : {
      sent: { credentialId, body, timesBefore, arrivedAs: c.var.arrivedAs ?? store.ids() },
    };
    deps.limits.generate.take(user.id);
    // What was accepted is answered again, also where a model or a picture of it is gone by now.
    const mayBeKnown = key !== undefined || timesBefore > 0;
    const earlier = mayBeKnown ? await findAccepted(store, { userId: user.id, ...once }) : null;
    const accepted = earlier ??
      await requestPrompt(deps, { user, quote: await quote(user, await take()), ...once });
    tellNotToRepeat(c);
    c.header("X-Darkroom-Prompt", accepted.prompt.value.id);
    if (accepted.isReplay) c.header("Idempotency-Replayed", "true");
    return accepted;
  }

  async function quote(user: User, input: unknown) {
    const named = await findNamed(store, { userId: user.id, ...namedIn(input) });
    return quoteOf(models, checkPromptRequest(input, { models, maxChars: deps.promptMaxChars, named }));
  }

  function answer(
    c: AppContext,
    { prompt }: { prompt: Versioned<Prompt> },
    { asked: { answerAs, ignored }, kind }: { asked: AskedPictures; kind: "image_generation" | "image_edit" },
  ): Promise<Response> {
    const answered = { deps, caller: callerOf(c), prompt: prompt.value, answerAs, ignored };
    return answerAs.partialImages === null
      ? answerWithPictures(c, answered)
      : streamPictures(c, { ...answered, kind });
  }

  async function demandStillCalling(c: AppContext): Promise<Caller> {
    c.set("caller", await readCaller(c, deps));
    return callerOf(c, "generate");
  }
}

/** How often the client says that it has sent this request before. */
function readTimesBefore(c: AppContext): number {
  const said = c.req.header("X-Stainless-Retry-Count");
  return said !== undefined && /^\d{1,4}$/.test(said) ? Number(said) : 0;
}
