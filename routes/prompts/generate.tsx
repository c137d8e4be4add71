/** Asking for pictures: the generator's form for people, one call for programs. */
import { Hono } from "hono";
import { sha256 } from "../../lib/digest.ts";
import { isBatchBody, readBatchInput } from "../../lib/batches/batch_body.ts";
import { planBatch } from "../../lib/batches/plan_batch.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { isId } from "../../lib/ids.ts";
import { demandRemixable } from "../../lib/publications/visible.ts";
import { type Credit, readCredits, viewPublication } from "../../lib/live/publication_view.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { findPictureSettings } from "../../lib/images/picture_settings.ts";
import type { FoundSettings, Left } from "../../lib/images/found_settings.ts";
import { leftTexts, readLeft, takeOver } from "../../lib/images/take_over.ts";
import { createRecent } from "../../lib/recent.ts";
import { allBoards } from "../../lib/boards/board_store.ts";
import type { Board } from "../../lib/boards/board.ts";
import type { Filing, Prompt, RecipeUse } from "../../lib/prompts/prompt.ts";
import {
  type Draft,
  draftFrom,
  draftOf,
  draftPath,
  type FormFields,
  inputOf,
  inputOfDraft,
  quotedDraft,
} from "../../lib/prompts/prompt_draft.ts";
import { checkPromptRequest, namedIn } from "../../lib/prompts/prompt_request.ts";
import { findPrompt, listPrompts } from "../../lib/prompts/prompt_store.ts";
import { type PictureView, viewImages, viewPrompt, viewPrompts } from "../../lib/live/prompt_view.ts";
import { fieldsOfRecipe, findUsed, type UsedRecipe } from "../../lib/recipes/use_recipe.ts";
import { findNamed } from "../../lib/images/named.ts";
import { type Quote, quoteOf } from "../../lib/prompts/quote.ts";
import { type Accepted, findAccepted, requestPrompt } from "../../lib/prompts/request_prompt.ts";
import type { Versioned } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import { money } from "../../views/shell/format.ts";
import { GenerateButton, PriceChangedFragment, SettingsFields } from "../../views/prompts/generator_form.tsx";
import { AcceptedFragment, GeneratorPage } from "../../views/prompts/generator_page.tsx";
import { EditPriceFragment } from "../../views/images/edit_form.tsx";
import { editsId } from "../../views/images/edit_page.tsx";
import { acceptedJson, generatedJson, unsuccessfulJson } from "../../views/json/generation_json.ts";
import type { Ready } from "../../views/shell/ready.ts";
import { batchQuoteJson } from "../../views/json/batch_quote_json.ts";
import { quoteJson } from "../../views/json/quote_json.ts";
import {
  type AppContext,
  type AppDeps,
  type AppEnv,
  budgetOf,
  callerOf,
  wantsFragment,
} from "../http/context.ts";
import type { ReadyPages } from "../http/ready_pages.ts";
import { leadTo, orProblem, type ProblemFaces } from "../http/problem.tsx";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readIdempotencyKey, readWait } from "../http/request_headers.ts";
import {
  type FilledForm as SentForm,
  isForm,
  readFilledForm,
  readForm,
  readJson,
  readPicture,
} from "../http/request_body.ts";
import { editAddress, type EditPages } from "../images/edit.tsx";
import { editBody, isEditForm } from "../images/edit_form.ts";
import { loginPath, ownPath } from "../http/return_path.ts";
import { listImages } from "../../lib/images/image_store.ts";
import { curlCommand } from "./curl_command.ts";
import { findSources, readFormSources, readNamedSources, receiveSources } from "./sent_sources.ts";

/** Takes a picture and leads to the form with the settings that are in it. */
export const pictureSettingsPath = "/generator/picture";

/** Servers and proxies take addresses of 8 kB; what is longer stays here, for a reload and for going back. */
const maxAddressChars = 4000;
const mostFilled = 100;
const forgottenWords = "What was read from the picture is not kept any more: choose the picture again";

/** Takes one request, or the rows of a batch. */
export const quotesPath = "/api/v1/quotes";

const generateApiPath = "/api/v1/images/generate";

/** Takes the form, which may hold pictures. */
export const generatorPath = "/generator";

const cardsShown = 12;
const recentImages = 6;

type GenerateDeps =
  & Pick<
    AppDeps,
    | "store"
    | "models"
    | "health"
    | "progress"
    | "changes"
    | "doorbell"
    | "readiness"
    | "room"
    | "limits"
    | "defaultBudgetMicros"
    | "promptMaxChars"
    | "batchMaxRows"
    | "blobs"
    | "uploadLimitBytes"
    | "publicUrl"
    | "secret"
    | "decoding"
    | "galleryMode"
  >
  & { readyPages: ReadyPages; editPages: EditPages };

export function generateRoutes(deps: GenerateDeps) {
  const { store, models, changes, publicUrl, readyPages, editPages, galleryMode } = deps;
  const filled = createRecent<FoundSettings>({ most: mostFilled });
  return new Hono<AppEnv>()
    .post(generateApiPath, async (c) => {
      const { user } = callerOf(c, "generate");
      const idempotencyKey = readIdempotencyKey(c);
      const accepted = await submit(user, { body: await readJson(c), idempotencyKey });
      if (accepted.isReplay) c.header("Idempotency-Replayed", "true");
      return answerWhenFinal(c, accepted.prompt);
    })
    .post(quotesPath, async (c) => {
      const { user } = callerOf(c);
      const body = await readJson(c);
      const budget = await budgetOf(deps, user);
      if (!isBatchBody(body)) return c.json(quoteJson((await readQuote(user, body)).quote, budget));
      const { asked, input: { lane } } = readBatchInput(body);
      const plan = await planBatch(deps, { userId: user.id, asked, lane });
      return c.json(batchQuoteJson(plan, budget));
    })
    .get("/generator", async (c) => {
      const { user } = callerOf(c);
      const { from, picture, remix, ...typed } = c.req.query();
      const sources = readNamedSources(c);
      const kept = picture === undefined ? undefined : filled.get(`${user.id} ${picture}`);
      const problem = picture !== undefined && kept === undefined ? forgottenWords : undefined;
      const given = await withRecipe(user, typed);
      const { fields, left } = kept ?? { fields: given, left: readLeft(c.req.queries("left") ?? []) };
      if (remix !== undefined) {
        const draft = await remixDraft(user, remix);
        return await readyPages.answer(c, (ready) => generatorPage(c, { draft, ready }));
      }
      const draft = from === undefined ? draftOf(fields, models.available(), sources) : draftFrom(
        (await findPrompt(store, { userId: user.id, promptId: from })).value,
        models.available(),
        { fields, sources },
      );
      return await readyPages.answer(c, (ready) => generatorPage(c, { draft, problem, left, ready }));
    })
    .get("/generator/settings", async (c) => {
      const { user } = callerOf(c);
      const form = await formOf(user, draftOf(c.req.query(), models.available(), readNamedSources(c)));
      return c.html(
        <>
          <SettingsFields {...form} models={models.available()} health={deps.health.known} />
          <hx-partial hx-target="#generate" hx-swap="outerMorph">
            <GenerateButton {...form} />
          </hx-partial>
        </>,
      );
    })
    .post("/generator/price", async (c) => {
      const { user } = callerOf(c);
      const fields = await readForm(c);
      const form = await formOf(user, draftOf(fields, models.available(), await readFormSources(c)));
      return c.html(<GenerateButton {...form} />);
    })
    .get(pictureSettingsPath, (c) => {
      callerOf(c);
      return c.redirect("/generator", 303);
    })
    .post(pictureSettingsPath, async (c) => {
      const { user } = callerOf(c);
      const draft = () => draftOf({}, models.available());
      const page = ({ message: problem }: Refusal) => generatorPage(c, { draft: draft(), problem });
      return await orProblem(c, { page }, async () => {
        // One picture a user at a time is in memory; the others wait where they come from.
        const found = await store.locks.hold(
          `picture ${user.id}`,
          async () => await findPictureSettings((await readPicture(c, "picture")).bytes),
        );
        const taken = takeOver(found, { models: models.available(), maxChars: deps.promptMaxChars });
        return c.redirect(filledPath(user, taken), 303);
      });
    })
    .post("/generator", async (c) => {
      if (c.var.caller === null) return await leadToLogin(c);
      const { user } = callerOf(c, "generate");
      const form = await readFilledForm(c, ["mask"]);
      if (isEditForm(form)) return await takeEdit(c, form);
      const { requestKey, price, ...sent } = form.fields;
      const fields = await withoutGoneRecipe(user, sent);
      let sources = await readFormSources(c);
      const draft = () => draftOf(fields, models.available(), sources);
      const faces: ProblemFaces = {
        page: (refusal) => generatorPage(c, { draft: draft(), problem: problemWords(refusal) }),
        fragment: (refusal) =>
          refusal.costMicros === null ? null : dearerFragment(user, { refusal, draft: draft() }),
      };
      return await orProblem(c, faces, async () => {
        sources = await receiveSources(c, { deps, user, sources });
        const body = await withoutGoneRemix(user, inputOf(fields, sources));
        const idempotencyKey = formKey(requestKey, body);
        const { prompt } = await submit(user, { body, idempotencyKey, atMostMicros: shownMicros(price) });
        if (!wantsFragment(c)) return c.redirect("/generator", 303);
        const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, user)]);
        return c.html(<AcceptedFragment view={view} budget={budget} requestKey={store.ids()} />, 201);
      });
    });

  /** The form with what a publication shows of how it was made. */
  async function remixDraft(user: User, publicationId: string): Promise<Draft> {
    if (galleryMode === "off") throw notFound();
    const publication = await demandRemixable(store, { userId: user.id, publicationId });
    const { request } = await viewPublication(store, publication);
    if (!publication.showPrompt || request === null) throw notFound();
    const { text, model, imageSize, options: { seed: _, ...options } } = request;
    const plain = { text, model, imageSize, options, count: 1, watermark: null };
    const shown = { taskType: "TEXT_TO_IMAGE" as const, ...plain, remixOf: { publicationId } };
    return draftFrom({ request: shown }, models.available());
  }

  /** What was withdrawn while the form was filled holds nobody up: nothing of it could be credited any more. */
  async function withoutGoneRemix(
    user: User,
    body: { [name: string]: unknown },
  ): Promise<{ [name: string]: unknown }> {
    const { remixOf, ...rest } = body;
    if (typeof remixOf !== "string") return body;
    try {
      await demandRemixable(store, { userId: user.id, publicationId: remixOf });
      return body;
    } catch (error) {
      if (error instanceof Refusal) return rest;
      throw error;
    }
  }

  /** The same from a page that changes a picture: there it is asked for, and there it arrives. */
  async function takeEdit(c: AppContext, { fields: sent, files }: SentForm): Promise<Response> {
    const { user } = callerOf(c);
    const { requestKey, price, ...fields } = sent;
    const { source: imageId } = fields;
    const faces: ProblemFaces = {
      page: (refusal) => {
        const problem = problemWords(refusal);
        return editPages.page(c, { imageId, fields, problem, isAgain: true });
      },
      fragment: (refusal) => {
        const { costMicros } = refusal;
        if (costMicros === null) return null;
        const count = Number(fields.count ?? 1);
        return <EditPriceFragment problem={problemWords(refusal)} {...{ count, costMicros }} />;
      },
    };
    return await orProblem(c, faces, async () => {
      const named = await readFormSources(c);
      const sources = await receiveSources(c, { deps, user, sources: named });
      const body = await editBody(deps, { userId: user.id, fields, sources, file: files.mask?.[0] });
      const idempotencyKey = formKey(requestKey, body);
      const { prompt } = await submit(user, { body, idempotencyKey, atMostMicros: shownMicros(price) });
      if (!wantsFragment(c)) return c.redirect(editedPath(imageId, fields), 303);
      const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, user)]);
      const list = `#${editsId(imageId)}`;
      return c.html(<AcceptedFragment {...{ view, budget, list }} requestKey={store.ids()} />, 201);
    });
  }

  /** The form with what was found in a picture: in its address, where it fits there. */
  function filledPath(user: User, taken: FoundSettings): string {
    const left = leftTexts(taken.left).map((text) => `&left=${encodeURIComponent(text)}`).join("");
    const address = draftPath(taken.fields) + left;
    if (address.length <= maxAddressChars) return address;
    const id = store.ids();
    filled.put(`${user.id} ${id}`, taken);
    return `/generator?picture=${id}`;
  }

  async function readQuote(
    user: User,
    body: unknown,
  ): Promise<{ quote: Quote; filing?: Filing; recipe?: RecipeUse }> {
    const { recipe, ...names } = namedIn(body);
    const [named] = await Promise.all([
      findNamed(store, { userId: user.id, ...names }),
      recipe && findUsed(store, { userId: user.id, use: recipe }),
    ]);
    const checked = checkPromptRequest(body, { models, maxChars: deps.promptMaxChars, named });
    return { quote: quoteOf(models, checked), filing: checked.filing, recipe: checked.recipe };
  }

  /** Where a recipe is named, its settings and its text, filled in, stand where nothing else was typed. */
  async function withRecipe(user: User, typed: FormFields): Promise<FormFields> {
    const { recipe: use } = draftOf(typed, models.available());
    const used = use && await findRecipeIfThere(user, use);
    if (used === null) return typed;
    const prefix = "with.";
    const values = Object.entries(typed).flatMap(([name, value]) =>
      name.startsWith(prefix) && value ? [[name.slice(prefix.length), value] as const] : []
    );
    return { ...fieldsOfRecipe(used.version, new Map(values)), ...typed };
  }

  /** A recipe that went meanwhile is no reason to refuse what was typed. */
  async function withoutGoneRecipe(user: User, { recipeId, ...typed }: FormFields): Promise<FormFields> {
    const { recipe: use } = draftOf({ recipeId, ...typed }, models.available());
    const isThere = use !== null && await findRecipeIfThere(user, use) !== null;
    return isThere ? { ...typed, recipeId } : typed;
  }

  /** Null: it is not there any more, or never was for them. */
  async function findRecipeIfThere(user: User, use: RecipeUse): Promise<UsedRecipe | null> {
    try {
      return await findUsed(store, { userId: user.id, use });
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_found") return null;
      throw error;
    }
  }

  /** What was typed is in the form again after signing in. */
  async function leadToLogin(c: AppContext): Promise<Response> {
    const { requestKey: _, price: __, ...fields } = isForm(c) ? await readForm(c) : {} as FormFields;
    const sources = isForm(c) ? await readFormSources(c) : [];
    const address = isEditForm({ fields }) ? editAddress(fields.source!, fields) : draftPath(fields, sources);
    return leadTo(c, loginPath(ownPath(address)));
  }

  async function submit(
    user: User,
    { body, idempotencyKey, atMostMicros }: {
      body: unknown;
      idempotencyKey: string | undefined;
      atMostMicros?: number;
    },
  ): Promise<Accepted> {
    deps.limits.generate.take(user.id);
    const idempotency = idempotencyKey === undefined ? undefined : { key: idempotencyKey, body };
    // What was accepted is answered again, also where a model or a picture that it names is gone by now.
    const earlier = idempotency && await findAccepted(store, { userId: user.id, idempotency });
    if (earlier) return earlier;
    return await requestPrompt(deps, { user, ...await readQuote(user, body), atMostMicros, idempotency });
  }

  async function answerWhenFinal(c: AppContext, prompt: Versioned<Prompt>) {
    const wait = readWait(c);
    if (wait.applied !== null) c.header("Preference-Applied", wait.applied);
    const { id, userId } = prompt.value;
    let current = prompt;
    if (wait.timeoutMs > 0) {
      await changes.waitForFinal(prompt.value, { timeoutMs: wait.timeoutMs, signal: c.req.raw.signal });
      current = await findPrompt(store, { userId, promptId: id });
    }
    const { status } = current.value;
    if (status === "PENDING" || status === "PROCESSING") {
      c.header("Location", `/api/v1/prompts/${id}`);
      return c.json(acceptedJson(current.value), 202);
    }
    const view = await viewPrompt(deps, current);
    if (status === "COMPLETED") return c.json(generatedJson(view, publicUrl));
    const { requestId } = c.var;
    return c.json(unsuccessfulJson(view, { status, requestId }), status === "FAILED" ? 500 : 409);
  }

  async function generatorPage(
    c: AppContext,
    { draft, problem, left = [], ready }: {
      draft: Draft;
      problem?: string;
      left?: readonly Left[];
      ready?: Ready;
    },
  ) {
    const caller = callerOf(c);
    const { user } = caller;
    const cursor = await readCursor(store, user.id);
    const [form, prompts, recent, budget] = await Promise.all([
      formOf(user, draft),
      listPrompts(store, { userId: user.id, limit: cardsShown }).then(({ items }) =>
        viewPrompts(deps, items)
      ),
      readRecentImages(c, user),
      budgetOf(deps, user),
    ]);
    return (
      <GeneratorPage
        user={user}
        cursor={cursor}
        {...form}
        models={models.available()}
        health={deps.health.known}
        maxChars={deps.promptMaxChars}
        requestKey={store.ids()}
        prompts={prompts}
        recent={recent}
        budget={budget}
        problem={problem ?? form.problem}
        left={left}
        curl={curlOf(form.draft)}
        ready={ready}
      />
    );
  }

  function curlOf(draft: Draft) {
    const address = `${publicUrl}${generateApiPath}`;
    return { address, command: curlCommand({ address, body: inputOfDraft(draft) }) };
  }

  async function readRecentImages(c: AppContext, user: User) {
    const name = { userId: user.id, list: "images", secret: deps.secret };
    const query = readListQuery(c, { ...name, defaultLimit: recentImages });
    const page = await listImages(store, { userId: user.id, ...query.start });
    return { images: await viewImages(store, page.items), pagination: paginate(c, { page, name, query }) };
  }

  async function dearerFragment(user: User, { refusal, draft }: { refusal: Refusal; draft: Draft }) {
    const form = await formOf(user, draft);
    return <PriceChangedFragment {...form} problem={problemWords(refusal)} />;
  }

  /** The draft with the pictures that it names, as far as they are there, and what it costs. */
  async function formOf(user: User, { sources, ...draft }: Draft): Promise<FilledForm> {
    const [found, recipe, boards, credits] = await Promise.all([
      findSources(store, { userId: user.id, sources }),
      draft.recipe && findRecipeIfThere(user, draft.recipe),
      allBoards(store, user.id),
      readCredits(
        store,
        galleryMode !== "off" && isId(draft.remixOf) ? [{ publicationId: draft.remixOf }] : [],
      ),
    ]);
    const kept = { ...draft, sources: sources.filter(({ imageId }) => found.named.sources.has(imageId)) };
    return {
      draft: kept,
      credit: credits({ publicationId: draft.remixOf }),
      pictures: found.pictures,
      userId: user.id,
      boards,
      recipe: recipe && { use: draft.recipe!, name: recipe.found.recipe.value.name },
      costMicros: models.quote(quotedDraft(kept, { models, named: found.named })),
      problem: kept.sources.length < sources.length ? goneWords : null,
    };
  }
}

interface FilledForm {
  draft: Draft;
  credit: Credit | null;
  /** Of its sources. */
  pictures: PictureView[];
  userId: string;
  boards: Board[];
  /** What it is made with; null: nothing that there is for them. */
  recipe: { use: RecipeUse; name: string } | null;
  costMicros: number;
  problem: string | null;
}

const goneWords = "A source is not there any more";

/** What was typed stays, for another change. No place in the page is named: browsers would not load that anew. */
function editedPath(imageId: string, { mask: _, source: __, ...typed }: FormFields): string {
  const address = editAddress(imageId, typed);
  return address.length <= maxAddressChars ? address : editAddress(imageId, { as: typed.as });
}

/** Nobody pays more than the button showed: without scripts it does not follow what is chosen. */
function shownMicros(price: string | undefined): number | undefined {
  return price !== undefined && /^\d+$/.test(price) ? Number(price) : undefined;
}

function problemWords({ message, costMicros }: Refusal): string {
  if (costMicros === null) return message;
  return `With these settings it costs ${money(costMicros)}. Press the button again to go on.`;
}

/** The same form sent twice, by a double click or a reload, is one prompt; changed, it is another. */
function formKey(requestKey: string | undefined, body: { [name: string]: unknown }): string | undefined {
  return requestKey && `form ${requestKey} ${sha256(JSON.stringify(body))}`;
}
