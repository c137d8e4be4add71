/** Two pictures at a time, and what comes of it: an order by wins, and only then what made them and what that cost. */
import type { Standing } from "../../lib/images/duels.ts";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Picture, Thumbnail } from "../images/picture.tsx";
import { money, plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Records } from "../shell/records.tsx";

export interface DuelProps {
  id: string;
  /** Counted from 0. */
  number: number;
  /** In all. */
  count: number;
  /** Each by its place among those that meet. */
  pair: readonly { place: number; image: Image }[];
}

export function DuelPage({ user, ...duel }: DuelProps & { user: User }) {
  return (
    <Layout title="Two at a time" user={user} current="/gallery">
      <Duel {...duel} />
    </Layout>
  );
}

const sides = [
  { label: "The left picture is better", keys: "1 ArrowLeft" },
  { label: "The right picture is better", keys: "2 ArrowRight" },
];

/** Nothing is said of what made them. */
export function Duel({ id, number, count, pair }: DuelProps) {
  const action = `/duels/${id}`;
  const swapped = { "hx-post": action, "hx-target": "#pick", "hx-swap": "outerMorph" };
  return (
    <div id="pick" class="pick duel">
      <header class="pick-head">
        <a class="button quiet" data-key="Escape" href={`${action}/ranking`}>Show the ranking</a>
        <h1>
          Which is better? <span class="muted">{number + 1} of {count}</span>
        </h1>
        {number > 0 && (
          <form method="post" action={`${action}/undo`} {...swapped} hx-post={`${action}/undo`}>
            <button class="quiet" type="submit" data-key="u">Undo</button>
          </form>
        )}
      </header>
      <form class="pick-stage" method="post" action={action} {...swapped}>
        <input type="hidden" name="number" value={number} />
        {pair.map(({ place, image }, side) => (
          <button
            type="submit"
            name="winner"
            value={place}
            data-key={sides[side].keys}
            aria-label={sides[side].label}
          >
            <Picture image={image} text="" />
          </button>
        ))}
        <button class="quiet neither" type="submit" name="winner" value="" data-key="0 Space">Neither</button>
      </form>
    </div>
  );
}

export interface Ranked extends Standing {
  view: PictureView;
}

/** What the pictures of one model cost, and how many of them are kept. */
export interface ModelCost {
  model: string;
  pictures: number;
  keepers: number;
  costMicros: number;
}

export interface RankingProps {
  user: User;
  id: string;
  /** The first is the best. */
  ranked: readonly Ranked[];
  models: readonly ModelCost[];
  /** How many duels there were, and are in all. */
  decided: number;
  count: number;
  /** The page that it was begun from. */
  from: string;
}

export function RankingPage({ user, id, ranked, models, decided, count, from }: RankingProps) {
  const [winner] = ranked;
  const suggested = Math.max(1, Math.round(ranked.length / 10));
  return (
    <Layout title="Ranking" user={user} current="/gallery">
      <div class="heading">
        <h1>Ranking</h1>
        <p class="muted">{decided} of {plural(count, "duel")}</p>
      </div>
      <div class="actions">
        {decided < count && <a class="button primary" href={`/duels/${id}`}>Go on</a>}
        <a class="button" rel="up" href={from}>What becomes of them</a>
        {winner.view.prompt && (
          <a class="button" href={`/generator?from=${winner.view.prompt.id}`}>Use settings of the winner</a>
        )}
      </div>
      <form class="one-field give-stars" method="post" action={`/duels/${id}/stars`}>
        <div class="field">
          <label for="first">Five stars for the first</label>
          <input
            id="first"
            name="first"
            type="number"
            min={1}
            max={ranked.length}
            value={suggested}
            required
          />
        </div>
        <button type="submit">Give stars</button>
      </form>
      <ol class="ranking">
        {ranked.map((each) => <RankedPicture {...each} />)}
      </ol>
      {models.length > 0 && (
        <section aria-labelledby="models">
          <h2 id="models">By model</h2>
          <p class="muted">A keeper is a picture with a star.</p>
          <Records columns={["Model", "Pictures", "Keepers", "Cost", "Cost per keeper"]}>
            {models.map(({ model, pictures, keepers, costMicros }) => (
              <tr>
                <th scope="row">{model}</th>
                <td class="number" data-name="Pictures">{pictures}</td>
                <td class="number" data-name="Keepers">{keepers}</td>
                <td class="number" data-name="Cost">{money(costMicros)}</td>
                <td class="number" data-name="Cost per keeper">
                  {keepers === 0 ? "none kept" : money(Math.round(costMicros / keepers))}
                </td>
              </tr>
            ))}
          </Records>
        </section>
      )}
    </Layout>
  );
}

function RankedPicture({ view, place, wins, duels }: Ranked) {
  const { image, text } = view;
  const name = `${shortened(text)} ${place + 1}`;
  return (
    <li>
      <a class="thumb" href={`/images/${image.id}`}>
        <Thumbnail image={image} text={text} />
      </a>
      <p>
        <span class="name" dir="auto">{name}</span> · {wins} of {plural(duels, "duel")}
        <span class="muted">
          {view.prompt === null ? "uploaded" : view.image.model}
          {view.prompt !== null && view.costMicros !== null && ` · ${money(view.costMicros)}`}
          {image.rating > 0 && ` · ${"★".repeat(image.rating)}`}
        </span>
      </p>
    </li>
  );
}

/** A few words of it. */
function shortened(text: string): string {
  const words = text.split(/\s+/);
  return words.length <= 4 ? text : `${words.slice(0, 4).join(" ")} …`;
}
