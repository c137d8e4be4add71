/** Asking for pictures: the generator's form for people, one call for programs. */
import { Hono } from "hono";
import { sha256 } from "../../lib/digest.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { findPictureSettings } from "../../lib/images/picture_settings.ts";
import type { FoundSettings, Left } from "../../lib/images/found_settings.ts";
import { leftTexts, readLeft, takeOver } from "../../lib/images/take_over.ts";
import { createRecent } from "../../lib/recent.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import {
  type Draft,
  draftFrom,
  draftOf,
  draftPath,
  type FormFields,
  inputOf,
} from "../../lib/prompts/prompt_draft.ts";
import { checkPromptRequest, namedIn } from "../../lib/prompts/prompt_request.ts";
import { findPrompt, listPrompts } from "../../lib/prompts/prompt_store.ts";
import { viewImages, viewPrompt, viewPrompts } from "../../lib/live/prompt_view.ts";
import { findNamed } from "../../lib/images/named.ts";
import { type Quote, quoteOf } from "../../lib/prompts/quote.ts";
import { type Accepted, requestPrompt } from "../../lib/prompts/request_prompt.ts";
import type { Versioned } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import { money } from "../../views/shell/format.ts";
import { GenerateButton, PriceChangedFragment, SettingsFields } from "../../views/prompts/generator_form.tsx";
import { AcceptedFragment, GeneratorPage } from "../../views/prompts/generator_page.tsx";
import { acceptedJson, generatedJson, unsuccessfulJson } from "../../views/json/generation_json.ts";
import type { Ready } from "../../views/shell/ready.ts";
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
import { orProblem, type ProblemFaces, redirectToLogin } from "../http/problem.tsx";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readIdempotencyKey, readWait } from "../http/request_headers.ts";
import { isForm, readForm, readJson, readPicture } from "../http/request_body.ts";
import { loginPath, ownPath } from "../http/return_path.ts";
import { listImages } from "../../lib/images/image_store.ts";

/** Takes a picture and leads to the form with the settings that are in it. */
export const pictureSettingsPath = "/generator/picture";

/** Servers and proxies take addresses of 8 kB; what is longer stays here, for a reload and for going back. */
const maxAddressChars = 4000;
const mostFilled = 100;
const forgottenWords = "What was read from the picture is not kept any more: choose the picture again";

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
    | "limits"
    | "defaultBudgetMicros"
    | "promptMaxChars"
    | "publicUrl"
    | "secret"
  >
  & { readyPages: ReadyPages };

export function generateRoutes(deps: GenerateDeps) {
  const { store, models, changes, publicUrl, readyPages } = deps;
  const filled = createRecent<FoundSettings>({ most: mostFilled });
  return new Hono<AppEnv>()
    .post("/api/v1/images/generate", async (c) => {
      const { user } = callerOf(c, "generate");
      const idempotencyKey = readIdempotencyKey(c);
      const accepted = await submit(user, { body: await readJson(c), idempotencyKey });
      if (accepted.isReplay) c.header("Idempotency-Replayed", "true");
      return answerWhenFinal(c, accepted.prompt);
    })
    .post("/api/v1/quotes", async (c) => {
      const { user } = callerOf(c);
      const quote = await readQuote(user, await readJson(c));
      return c.json(quoteJson(quote, await budgetOf(deps, user)));
    })
    .get("/generator", async (c) => {
      const { user } = callerOf(c);
      const { from, picture, ...typed } = c.req.query();
      const kept = picture === undefined ? undefined : filled.get(`${user.id} ${picture}`);
      const problem = picture !== undefined && kept === undefined ? forgottenWords : undefined;
      const { fields, left } = kept ?? { fields: typed, left: readLeft(c.req.queries("left") ?? []) };
      const draft = from === undefined ? draftOf(fields, models.available()) : draftFrom(
        (await findPrompt(store, { userId: user.id, promptId: from })).value.request,
        models.available(),
        fields,
      );
      return await readyPages.answer(c, (ready) => generatorPage(c, { draft, problem, left, ready }));
    })
    .get("/generator/settings", (c) => {
      callerOf(c);
      const draft = draftOf(c.req.query(), models.available());
      return c.html(
        <>
          <SettingsFields draft={draft} models={models.available()} health={deps.health.known} />
          <hx-partial hx-target="#generate" hx-swap="outerMorph">
            <GenerateButton draft={draft} costMicros={priceOf(draft)} />
          </hx-partial>
        </>,
      );
    })
    .post("/generator/price", async (c) => {
      callerOf(c);
      const draft = draftOf(await readForm(c), models.available());
      return c.html(<GenerateButton draft={draft} costMicros={priceOf(draft)} />);
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
      const { requestKey, price, ...fields } = await readForm(c);
      const draft = () => draftOf(fields, models.available());
      const faces: ProblemFaces = {
        page: (refusal) => generatorPage(c, { draft: draft(), problem: problemWords(refusal) }),
        fragment: (refusal) => refusal.costMicros === null ? null : dearerFragment(refusal, draft()),
      };
      return await orProblem(c, faces, async () => {
        const body = inputOf(fields);
        const idempotencyKey = formKey(requestKey, fields);
        const { prompt } = await submit(user, { body, idempotencyKey, atMostMicros: shownMicros(price) });
        if (!wantsFragment(c)) return c.redirect("/generator", 303);
        const [view, budget] = await Promise.all([viewPrompt(deps, prompt), budgetOf(deps, user)]);
        return c.html(<AcceptedFragment view={view} budget={budget} requestKey={store.ids()} />, 201);
      });
    });

  /** The form with what was found in a picture: in its address, where it fits there. */
  function filledPath(user: User, taken: FoundSettings): string {
    const left = leftTexts(taken.left).map((text) => `&left=${encodeURIComponent(text)}`).join("");
    const address = draftPath(taken.fields) + left;
    if (address.length <= maxAddressChars) return address;
    const id = store.ids();
    filled.put(`${user.id} ${id}`, taken);
    return `/generator?picture=${id}`;
  }

  async function readQuote(user: User, body: unknown): Promise<Quote> {
    const named = await findNamed(store, { userId: user.id, ...namedIn(body) });
    return quoteOf(models, checkPromptRequest(body, { models, maxChars: deps.promptMaxChars, named }));
  }

  /** What was typed is in the form again after signing in. */
  async function leadToLogin(c: AppContext): Promise<Response> {
    const { requestKey: _, price: __, ...fields } = isForm(c) ? await readForm(c) : {} as FormFields;
    return redirectToLogin(c, loginPath(ownPath(draftPath(fields))));
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
    return await requestPrompt(deps, { user, quote: await readQuote(user, body), atMostMicros, idempotency });
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
    const [prompts, recent, budget] = await Promise.all([
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
        draft={draft}
        models={models.available()}
        health={deps.health.known}
        costMicros={priceOf(draft)}
        maxChars={deps.promptMaxChars}
        requestKey={store.ids()}
        prompts={prompts}
        recent={recent}
        budget={budget}
        problem={problem ?? null}
        left={left}
        ready={ready}
      />
    );
  }

  async function readRecentImages(c: AppContext, user: User) {
    const name = { userId: user.id, list: "images", secret: deps.secret };
    const query = readListQuery(c, { ...name, defaultLimit: recentImages });
    const page = await listImages(store, { userId: user.id, ...query.start });
    return { images: await viewImages(store, page.items), pagination: paginate(page, { name, query }) };
  }

  function dearerFragment(refusal: Refusal, draft: Draft) {
    const button = { draft, costMicros: priceOf(draft) };
    return <PriceChangedFragment problem={problemWords(refusal)} {...button} />;
  }

  function priceOf({ model, imageSize, count, text }: Draft): number {
    return models.quote({ model: model.id, imageSize, count, text });
  }
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
function formKey(requestKey: string | undefined, fields: FormFields): string | undefined {
  return requestKey && `form ${requestKey} ${sha256(JSON.stringify(fields))}`;
}
