/** One recipe: the text of a version, its settings, a form to use it, and what was made with it. */
import type { Board } from "../../lib/boards/board.ts";
import type { PersonHere } from "../../lib/live/view_presence.ts";
import type { Recipe, RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { MadeWith } from "../../lib/recipes/recipe_pictures.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { recipePageName, TopicSince } from "../shell/topic_news.tsx";
import { Presence } from "../boards/presence.tsx";
import { CommentListPartial, Comments, type CommentsProps } from "../comments/comments.tsx";
import {
  MadePictures,
  madeWords,
  mayEdit,
  type Names,
  recipePath,
  RecipeText,
  type RecipeView,
  SettingsList,
  VersionLine,
} from "./parts.tsx";

export interface RecipePageProps {
  user: User;
  view: RecipeView;
  /** The one that is shown. */
  version: RecipeVersion;
  /** What it was merged with. */
  merged: RecipeVersion | null;
  names: Names;
  /** How many there are. */
  versions: number;
  placeholders: readonly string[];
  /** Of the latest versions, the newest first. */
  made: readonly MadeWith[];
  /** Drafts of the reader's that wait to be settled. */
  drafts: readonly RecipeVersion[];
  boards: readonly Board[];
  problem?: string;
  /** Up to which change all is shown. */
  cursor: string;
  here: readonly PersonHere[];
  comments: CommentsProps;
}

export function RecipePage(props: RecipePageProps) {
  const { user, view, version, merged, names, versions, placeholders, made, drafts, boards, problem } = props;
  const { cursor, here, comments } = props;
  const { recipe } = view;
  const isCurrent = version.n === recipe.current;
  const own = (rest: string) => recipePath(recipe.id, rest);
  return (
    <Layout
      title={recipe.name}
      user={user}
      current="/recipes"
      live={{ page: recipePageName({ recipeId: recipe.id, n: version.n }), cursor }}
    >
      <TopicSince cursor={cursor} />
      <div class="heading">
        <h1 dir="auto">{recipe.name}</h1>
        <p class="muted">
          {view.board === null ? "private" : (
            <>
              on the board{" "}
              <a href={`/boards/${view.board.id}`}>
                <bdi>{view.board.name}</bdi>
              </a>
            </>
          )}
        </p>
        <a class="button quiet" rel="up" href="/recipes">All recipes</a>
      </div>
      {view.board !== null && <Presence here={here} />}
      <NewerVersion recipe={recipe} version={version} />
      {drafts.length > 0 && <Drafts drafts={drafts} recipeId={recipe.id} />}
      <div class="recipe-columns">
        <section aria-labelledby="version-heading">
          <h2 id="version-heading">Version {version.n}</h2>
          <VersionLine {...{ version, merged, names }} userId={user.id} zone={user.timeZone} />
          <RecipeText text={version.text} />
          <SettingsList settings={version.settings} />
          <div class="actions">
            {mayEdit(view) && (
              <a class="button" href={own(isCurrent ? "/edit" : `/edit?from=${version.n}`)}>
                {isCurrent ? "Change" : "Go on from here"}
              </a>
            )}
            <a class="button quiet" href={own("/versions")}>{plural(versions, "version")}</a>
            {version.basedOn !== null && (
              <a class="button quiet" href={own(`/compare?a=${version.basedOn}&b=${version.n}`)}>
                What changed
              </a>
            )}
            <a class="button quiet" href={own("/export.json")} download>Export</a>
          </div>
        </section>
        <section aria-labelledby="use-heading">
          <h2 id="use-heading">Use it</h2>
          <form class="use-recipe" method="get" action={own(`/versions/${version.n}/use`)}>
            {placeholders.map((name, i) => (
              <div class="field">
                <label for={`placeholder-${i}`} dir="auto">{name.replaceAll("_", " ")}</label>
                <input id={`placeholder-${i}`} name={name} dir="auto" autocomplete="off" required />
              </div>
            ))}
            <div class="actions">
              <button class="primary" type="submit">Use</button>
              <a
                class="button"
                href={`/batches/new?recipeId=${recipe.id}&recipeVersion=${version.n}`}
              >
                {placeholders.length > 0 ? "Many at once, as a table" : "Many at once"}
              </a>
            </div>
          </form>
        </section>
      </div>
      <section class="made-by-version" aria-labelledby="made-heading">
        <h2 id="made-heading">Made with it</h2>
        {made.every(({ count }) => count === 0) && (
          <p class="muted">Nothing yet. Pictures that you make with it stand here, by version.</p>
        )}
        {made.filter(({ count }) => count > 0).map((each) => (
          <div class="version-pictures">
            <h3>
              <a href={own(`?version=${each.version}`)}>Version {each.version}</a>{" "}
              <span class="muted">{madeWords(each)}</span>
            </h3>
            <MadePictures made={each} />
          </div>
        ))}
      </section>
      {(view.board !== null || comments.views.length > 0) && <Comments {...comments} />}
      {mayEdit(view) && <ChangeRecipe {...{ view, boards, problem }} />}
      {view.role === "owner" && <DeleteRecipe recipeId={recipe.id} />}
    </Layout>
  );
}

/** It changes live, where somebody saves the next one. */
function NewerVersion(
  { recipe: { id, current }, version }: { recipe: Pick<Recipe, "id" | "current">; version: RecipeVersion },
) {
  return (
    <div id="newer-version">
      {version.n !== current && (
        <p class="recipe-notice" role="note">
          This is version {version.n}. <a href={recipePath(id)}>Version {current} counts now</a>
        </p>
      )}
    </div>
  );
}

/** What has changed, for a page that shows a version already. */
export function RecipeNews({ recipe, version, cursor, comments }: {
  recipe: Recipe;
  version: RecipeVersion;
  cursor: string;
  comments: CommentsProps;
}) {
  return (
    <>
      <hx-partial hx-target="#topic-since" hx-swap="outerHTML">
        <TopicSince cursor={cursor} />
      </hx-partial>
      <hx-partial hx-target="#newer-version" hx-swap="outerMorph">
        <NewerVersion recipe={recipe} version={version} />
      </hx-partial>
      <CommentListPartial {...comments} />
    </>
  );
}

function Drafts({ drafts, recipeId }: { drafts: readonly RecipeVersion[]; recipeId: string }) {
  return (
    <div class="recipe-notice" role="note">
      <p>What you sent could not be merged with what was saved meanwhile. It is kept until you settle it:</p>
      <ul>
        {drafts.map(({ n }) => (
          <li>
            <a href={recipePath(recipeId, `/drafts/${n}`)}>Settle draft {n}</a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function ChangeRecipe(
  { view: { recipe, role, board }, boards, problem }: Pick<RecipePageProps, "view" | "boards" | "problem">,
) {
  const others = boards.filter(({ id }) => id !== board?.id);
  return (
    <details class="change-recipe" open={problem !== undefined}>
      <summary>Name and place</summary>
      <form class="recipe-form" method="post" action={recipePath(recipe.id)}>
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            value={recipe.name}
            dir="auto"
            autocomplete="off"
            required
            maxlength={80}
          />
        </div>
        {role === "owner" && (board !== null || others.length > 0) && (
          <div class="field">
            <label for="boardId">For</label>
            <select id="boardId" name="boardId" aria-describedby="board-words">
              <option value="">its owner alone</option>
              {board !== null && <option value={board.id} selected>{`the board ${board.name}`}</option>}
              {others.map(({ id, name }) => <option value={id}>{`the board ${name}`}</option>)}
            </select>
            <p id="board-words" class="muted">
              On a board all its members use it, and editors save versions.
            </p>
          </div>
        )}
        <button type="submit">Save</button>
      </form>
    </details>
  );
}

function DeleteRecipe({ recipeId }: { recipeId: string }) {
  return (
    <details class="delete">
      <summary>Delete</summary>
      <form method="post" action={recipePath(recipeId, "/delete")}>
        <p>The recipe goes for good, with all its versions. What was made with it stays.</p>
        <button class="danger" type="submit">Delete this recipe</button>
      </form>
    </details>
  );
}
