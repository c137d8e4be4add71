/** Two versions beside each other: their words, their settings, their best pictures. */
import type { ComparedPart } from "../../lib/recipes/compare_words.ts";
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { MadeWith } from "../../lib/recipes/recipe_pictures.ts";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import {
  Difference,
  MadePictures,
  madeWords,
  type Names,
  recipePath,
  type RecipeView,
  settingWords,
  spoken,
  VersionLine,
} from "./parts.tsx";

export function CompareVersionsPage({ user, view: { recipe }, a, b, parts, made, names }: {
  user: User;
  view: RecipeView;
  a: RecipeVersion;
  b: RecipeVersion;
  parts: readonly ComparedPart[];
  /** Of the first one and of the second. */
  made: readonly [MadeWith, MadeWith];
  names: Names;
}) {
  const own = (rest: string) => recipePath(recipe.id, rest);
  const settings = differentSettings(a, b);
  return (
    <Layout title={`Versions ${a.n} and ${b.n} of ${recipe.name}`} user={user} current="/recipes">
      <div class="heading">
        <h1 dir="auto">{recipe.name}</h1>
        <p class="muted">from version {a.n} to version {b.n}</p>
        <a class="button quiet" rel="up" href={own("/versions")}>All versions</a>
      </div>
      <section aria-labelledby="words-heading">
        <h2 id="words-heading">Words</h2>
        {a.text === b.text && <p class="muted">The text is the same.</p>}
        <Difference parts={parts} label={`Text from version ${a.n} to version ${b.n}`} />
        <p>
          <a href={own(`/compare?a=${b.n}&b=${a.n}`)}>The other way round</a>
        </p>
      </section>
      {settings.length > 0 && (
        <section class="settings-changed" aria-labelledby="settings-heading">
          <h2 id="settings-heading">Settings</h2>
          <dl class="recipe-settings">
            {settings.map(({ name, before, after }) => (
              <div>
                <dt>{name}</dt>
                <dd>
                  <Changed tag="gone" value={before} /> <Changed tag="new" value={after} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      <section class="best-pictures" aria-labelledby="pictures-heading">
        <h2 id="pictures-heading">Best pictures</h2>
        <div class="side-by-side">
          {[a, b].map((version, i) => (
            <div>
              <h3>
                <a href={own(`?version=${version.n}`)}>Version {version.n}</a>{" "}
                <span class="muted">{madeWords(made[i])}</span>
              </h3>
              <VersionLine
                {...{ version, names }}
                merged={null}
                userId={user.id}
                zone={user.timeZone}
              />
              <MadePictures made={made[i]} />
            </div>
          ))}
        </div>
      </section>
    </Layout>
  );
}

function Changed({ tag, value }: { tag: "gone" | "new"; value: string | undefined }) {
  const words = value ?? "as usual";
  return tag === "gone"
    ? (
      <del>
        <span class="unseen">{spoken.was}</span>
        <bdi>{words}</bdi>
        <span class="unseen">{spoken.end}</span>
      </del>
    )
    : (
      <ins>
        <span class="unseen">{spoken.isNow}</span>
        <bdi>{words}</bdi>
        <span class="unseen">{spoken.end}</span>
      </ins>
    );
}

function differentSettings(a: RecipeVersion, b: RecipeVersion) {
  const [before, after] = [a, b].map(({ settings }) => new Map(settingWords(settings)));
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((each) => each.before !== each.after);
}
