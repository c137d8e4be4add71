/** All recipes that somebody uses: their own, and those of their boards. */
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { authorName, type Names, recipePath, type RecipeView } from "./parts.tsx";

export function RecipesPage({ user, recipes, names, next, problem }: {
  user: User;
  recipes: readonly { view: RecipeView; current: RecipeVersion }[];
  names: Names;
  /** The cursor of older ones; null after the last. */
  next: string | null;
  /** Why a file was not taken. */
  problem?: string;
}) {
  return (
    <Layout title="Recipes" user={user} current="/recipes">
      <div class="heading">
        <h1>Recipes</h1>
        <a class={recipes.length === 0 ? "button primary" : "button"} href="/recipes/new">New recipe</a>
      </div>
      {recipes.length === 0 && (
        <p class="empty">
          A recipe is a prompt with a name that is kept in versions: change it, compare what came of each, and
          go on from the best. Save one from any prompt, or write it here.
        </p>
      )}
      <ul class="recipes">
        {recipes.map(({ view: { recipe, board }, current }) => (
          <li class="recipe">
            <h2>
              <a href={recipePath(recipe.id)} dir="auto">{recipe.name}</a>
            </h2>
            <p class="excerpt" dir="auto">{current.text}</p>
            <p class="muted">
              Version {recipe.current} by{" "}
              <bdi>{authorName(current.authorId, { names, userId: user.id })}</bdi>,{" "}
              <Time at={current.at} zone={user.timeZone} />
              {board !== null && (
                <>
                  {" · on the board "}
                  <a href={`/boards/${board.id}`}>
                    <bdi>{board.name}</bdi>
                  </a>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
      {next !== null && (
        <p class="more">
          <a class="button" href={`/recipes?cursor=${next}`}>Older recipes</a>
        </p>
      )}
      <details class="import-recipe" open={problem !== undefined}>
        <summary>Bring one from a file</summary>
        <form method="post" action="/recipes/import" enctype="multipart/form-data">
          <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
          <div class="field">
            <label for="file">A recipe that was exported, as JSON</label>
            <input
              id="file"
              name="file"
              type="file"
              accept=".json,application/json"
              required
              aria-describedby={problem && "problem"}
            />
          </div>
          <button type="submit">Import</button>
        </form>
      </details>
    </Layout>
  );
}
