/** The generator: the form on the left, what it makes on the right. */
import type { BudgetState } from "../../lib/money/budget.ts";
import type { ImageView, PromptView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Budget } from "../money/budget.tsx";
import { GeneratorForm, type GeneratorFormProps, RequestKey } from "./generator_form.tsx";
import type { Pagination } from "../json/pagination_json.ts";
import type { Left } from "../../lib/images/found_settings.ts";
import { LeftOvers } from "./left_over.tsx";
import { Layout } from "../shell/layout.tsx";
import { Tile, tileName } from "../images/picture.tsx";
import { type Ready, rendered } from "../shell/ready.ts";
import { Paintings } from "../shell/paintings.tsx";
import { cardName, PromptCard } from "./prompt_card.tsx";

export interface GeneratorPageProps extends GeneratorFormProps {
  user: User;
  cursor: string;
  prompts: PromptView[];
  recent: { images: ImageView[]; pagination: Pagination };
  /** Of a picture's settings that the form was filled from. */
  left: readonly Left[];
  /** What the form asks for, as a line for a shell. */
  curl: { address: string; command: string };
  ready?: Ready;
}

export function GeneratorPage(
  { user, cursor, prompts, recent, left, curl, ready = rendered, ...form }: GeneratorPageProps,
) {
  const isBusy = prompts.some(({ stage }) => stage !== null);
  return (
    <Layout title="Generate" user={user} current="/generator" live={{ page: "generator", cursor, isBusy }}>
      <div class="workbench">
        <section class="side" aria-labelledby="make">
          <h1 id="make">Make a picture</h1>
          <LeftOvers left={left} />
          <GeneratorForm {...form} />
          <PictureSettings />
          <AsCurl
            {...curl}
            takesSources={form.models.some(({ edit }) =>
              edit !== null
            )}
          />
          <p>
            <a class="button quiet" href="/batches/new">Many at once</a>
          </p>
        </section>
        <section aria-labelledby="results">
          <h2 id="results" class="unseen">Your prompts</h2>
          <div id="cards" class="feed" data-keep="24">
            {prompts.map((view) =>
              ready(cardName(view), () => <PromptCard view={view} />)
            )}
          </div>
          {prompts.length === 0 && <FirstVisit />}
        </section>
      </div>
      <section class="recent" aria-labelledby="recent">
        <h2 id="recent">Recent pictures</h2>
        <ul
          id="recent-images"
          class="tiles strip"
          data-keep="6"
          data-fixed={recent.pagination.offset > 0 ? "" : undefined}
        >
          {recent.images.map((view) => ready(tileName({ view }), () => <Tile view={view} />))}
        </ul>
        <nav class="more" aria-label="Recent pictures">
          {recent.pagination.offset > 0 && <a class="button quiet" href="/generator#recent">Newest</a>}
          {recent.pagination.next && (
            <a class="button quiet" href={`/generator?cursor=${recent.pagination.next}#recent`}>Older</a>
          )}
          <a class="button quiet" href="/gallery">All pictures</a>
        </nav>
      </section>
    </Layout>
  );
}

/** A picture dropped on the form above is chosen here, and sent. */
function PictureSettings() {
  return (
    <details class="from-picture">
      <summary>Start from a picture's settings</summary>
      <form id="picture-settings" method="post" action="/generator/picture" enctype="multipart/form-data">
        <div class="field">
          <label for="picture">A PNG, JPEG or WebP with settings inside; or drop it on the form</label>
          <input id="picture" type="file" name="picture" accept="image/png,image/jpeg,image/webp" required />
        </div>
        <button class="quiet" type="submit">Fill the form</button>
      </form>
    </details>
  );
}

/** What the form asks for, for programs; a script lets it follow what is typed. */
function AsCurl(
  { address, command, takesSources }: GeneratorPageProps["curl"] & { takesSources: boolean },
) {
  return (
    <details id="as-curl" class="as-curl">
      <summary>The same by a program</summary>
      <p class="muted">
        <code>DARKROOM_KEY</code> is an API key that may generate, from your{" "}
        <a href="/profile#keys">profile</a>. It is answered when the pictures are there, or after two minutes
        with where they will be.
      </p>
      <pre
        tabindex={0}
        aria-label="Request by curl"
      ><code id="curl" data-address={address}>{command}</code></pre>
      {takesSources && (
        <p class="muted">
          Pictures that were added from this device are not in it: a program sends them to{" "}
          <code>/api/v1/uploads</code> first, and names their ids in <code>sources</code>.
        </p>
      )}
      <button class="quiet" type="button" data-copy="#curl" hidden>Copy</button>
    </details>
  );
}

function FirstVisit() {
  return (
    <div class="first-visit">
      <p>
        Describe a picture and watch it develop. Darkroom painted these; each fills the box with its words:
      </p>
      <Paintings />
    </div>
  );
}

/** The answer to a form that was accepted: the card, the budget, and a fresh key for the next sending. */
export function AcceptedFragment(
  { view, budget, requestKey, list = "#cards" }: {
    view: PromptView;
    budget: BudgetState;
    requestKey?: string;
    /** Where cards stand on the page. */
    list?: string;
  },
) {
  return (
    <>
      <hx-partial hx-target={list} hx-swap="place">
        <PromptCard view={view} />
      </hx-partial>
      <hx-partial hx-target="#budget" hx-swap="outerMorph">
        <Budget budget={budget} />
      </hx-partial>
      <hx-partial hx-target="#problem" hx-swap="innerHTML"></hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
      {requestKey && (
        <hx-partial hx-target="#request-key" hx-swap="outerHTML">
          <RequestKey value={requestKey} />
        </hx-partial>
      )}
    </>
  );
}
