/** All versions of a recipe, the newest first. */
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { User } from "../../lib/users/user.ts";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { type Names, recipePath, type RecipeView, SettingsList, VersionLine } from "./parts.tsx";

export function VersionsPage({ user, view: { recipe }, versions, drafts, names, total, next, sent }: {
  user: User;
  view: RecipeView;
  versions: readonly RecipeVersion[];
  /** The reader's own. */
  drafts: readonly RecipeVersion[];
  names: Names;
  total: number;
  next: string | null;
  /** By number: what the reader sent before it was merged. */
  sent: ReadonlyMap<number, string>;
}) {
  const own = (rest: string) => recipePath(recipe.id, rest);
  const byNumber = new Map(versions.map((version) => [version.n, version]));
  return (
    <Layout title={`Versions of ${recipe.name}`} user={user} current="/recipes">
      <div class="heading">
        <h1 dir="auto">{recipe.name}</h1>
        <p class="muted">{plural(total, "version")}</p>
        <a class="button quiet" rel="up" href={own("")}>Back</a>
      </div>
      {total > 1 && (
        <form class="compare-versions" method="get" action={own("/compare")}>
          <NumberField name="a" label="Compare version" value={versions[1]?.n ?? 1} max={recipe.lastNumber} />
          <NumberField name="b" label="with version" value={versions[0]?.n ?? 1} max={recipe.lastNumber} />
          <button type="submit">Compare</button>
        </form>
      )}
      {drafts.length > 0 && (
        <section aria-labelledby="drafts-heading">
          <h2 id="drafts-heading">Your drafts</h2>
          <p class="muted">Only you see them: what could not be merged when you sent it.</p>
          <ol class="versions">
            {drafts.map((version) => (
              <li>
                <h3>
                  <a href={own(`/drafts/${version.n}`)}>Draft {version.n}</a>
                </h3>
                <VersionLine
                  {...{ version, names }}
                  merged={null}
                  userId={user.id}
                  zone={user.timeZone}
                />
                {version.draft?.settledBy != null && (
                  <p class="muted">Settled by version {version.draft.settledBy}</p>
                )}
                <p class="excerpt" dir="auto">{version.text}</p>
              </li>
            ))}
          </ol>
        </section>
      )}
      <ol class="versions">
        {versions.map((version) => (
          <li>
            <h2>
              <a href={own(`?version=${version.n}`)}>Version {version.n}</a>
              {version.n === recipe.current && <span class="tag-current">current</span>}
            </h2>
            <VersionLine
              {...{ version, names }}
              merged={version.mergedWith === null ? null : byNumber.get(version.mergedWith) ?? null}
              userId={user.id}
              zone={user.timeZone}
            />
            <p class="excerpt" dir="auto">{version.text}</p>
            <SettingsList settings={version.settings} />
            {sent.has(version.n) && (
              <details class="sent-text">
                <summary>As you sent it</summary>
                <p class="recipe-text" dir="auto">{sent.get(version.n)}</p>
              </details>
            )}
            {version.basedOn !== null && (
              <p>
                <a href={own(`/compare?a=${version.basedOn}&b=${version.n}`)}>
                  What changed since {version.basedOn}
                </a>
              </p>
            )}
          </li>
        ))}
      </ol>
      {next !== null && (
        <p class="more">
          <a class="button" href={own(`/versions?cursor=${next}`)}>Older versions</a>
        </p>
      )}
    </Layout>
  );
}

function NumberField(
  { name, label, value, max }: { name: string; label: string; value: number; max: number },
) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type="number"
        inputmode="numeric"
        min={1}
        max={max}
        value={value}
        required
      />
    </div>
  );
}
