/** Picking the best of many pictures: one large, the others in a strip, and a key or a button for each verdict. */
import type { Board } from "../../lib/boards/board.ts";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { DeletedNotice } from "../images/deleted_notice.tsx";
import { addressOf } from "../images/image_query.ts";
import { BoardChoice } from "../images/marks.tsx";
import { Picture, Thumbnail } from "../images/picture.tsx";
import { ratingWords } from "../images/rating.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";

/** What is picked from. */
export interface PickSource {
  /** Where its pages are, such as "/gallery/pick". */
  path: string;
  /** What was searched for, as it stands in the address. */
  query: string;
  /** What it is called. */
  title: string;
  /** The page that it was come from. */
  back: string;
}

export interface PickProps {
  source: PickSource;
  /** All of them, in the order in which they are looked at. */
  images: readonly Image[];
  /** The one that is large, by its place there. */
  at: number;
  current: PictureView;
  /** The best so far, beside which it is shown; null: alone. */
  beside: PictureView | null;
  /** The best so far; null: none has stars. */
  bestId: string | null;
  /** What can be taken back, as it stands in the address; empty: nothing. */
  undo: string;
}

export function PickPage({ user, ...pick }: PickProps & { user: User }) {
  return (
    <Layout title={`Pick · ${pick.source.title}`} user={user} current="/gallery">
      <Pick {...pick} />
    </Layout>
  );
}

/** All that changes from picture to picture. */
export function Pick({ source, images, at, current, beside, bestId, undo }: PickProps) {
  const { path, query } = source;
  const { id, rating } = current.image;
  const address = (...more: string[]) => addressOf(path, query, undo && `undo=${undo}`, ...more);
  const placeOf = (index: number) => `at=${images[index]?.id ?? "end"}`;
  const here = address(`at=${id}`);
  const next = images[at + 1];
  return (
    <div id="pick" class={beside === null ? "pick" : "pick with-best"} data-picture={id}>
      <header class="pick-head">
        <a class="button quiet" rel="up" data-key="Escape" href={source.back}>Close</a>
        <h1>
          <span dir="auto">{source.title}</span>{" "}
          <span class="muted">{at + 1} of {images.length} · {plural(starred(images).length, "pick")}</span>
        </h1>
        {undo !== "" && (
          <form method="post" action={here} {...swapped("hx-post", here)}>
            <button class="quiet" type="submit" name="undo" value="1" data-key="u">Undo</button>
          </form>
        )}
      </header>
      <div class="pick-stage">
        {beside !== null && (
          <figure>
            <Picture image={beside.image} text={beside.text} />
            <figcaption>Best so far · {ratingWords(beside.image.rating)}</figcaption>
          </figure>
        )}
        <figure>
          <Picture image={current.image} text={current.text} />
          <figcaption dir="auto">{beside === null ? current.text : "This one"}</figcaption>
        </figure>
        {next !== undefined && <Ahead image={next} />}
      </div>
      <footer class="pick-foot">
        <ul class="pick-strip">
          {around(images, at).map((image, i) => (
            <li>
              {image !== null && (
                <StripPicture
                  image={image}
                  number={at - shownAround + i + 1}
                  isCurrent={image.id === id}
                  href={address(`at=${image.id}`)}
                />
              )}
            </li>
          ))}
        </ul>
        <form class="pick-rate" method="post" action={here} {...swapped("hx-post", here)}>
          {[1, 2, 3, 4, 5].map((value) => (
            <Verdict rating={rating} value={value} name={ratingWords(value)}>{value}★</Verdict>
          ))}
          <Verdict rating={rating} value={0} name="0, no stars">0</Verdict>
          <Verdict rating={rating} value={-1} name="Reject">✕</Verdict>
        </form>
        <nav class="pick-turn" aria-label="Other pictures">
          {at > 0 && (
            <Turn
              href={address(placeOf(at - 1))}
              name="←"
              label="Picture before"
              keys="ArrowLeft"
            />
          )}
          {bestId !== null && (
            <Turn
              href={address(`at=${id}`, beside === null ? "best=1" : "")}
              name={beside === null ? "Compare" : "Alone"}
              label={beside === null ? "Compare with the best so far" : "Show it alone"}
              keys="c"
            />
          )}
          <Turn
            href={address(placeOf(at + 1))}
            name={next === undefined ? "End" : "→"}
            label={next === undefined ? "To the end" : "Next picture"}
            keys="ArrowRight Space"
          />
        </nav>
      </footer>
    </div>
  );
}

function StripPicture({ image, number, isCurrent, href }: {
  image: Image;
  number: number;
  isCurrent: boolean;
  href: string;
}) {
  return (
    <a
      href={href}
      aria-current={isCurrent ? "true" : undefined}
      data-rating={image.rating}
      {...swapped("hx-get", href)}
    >
      <Thumbnail image={image} text={`Picture ${number}, ${ratingWords(image.rating)}`} />
    </a>
  );
}

/** Told to who listens, beside the picture itself. */
export function PickFragment({ words, ...pick }: PickProps & { words: string }) {
  return (
    <>
      <Pick {...pick} />
      <hx-partial hx-target="#announcer" hx-swap="textContent">{words}</hx-partial>
    </>
  );
}

/** With a script only this part of the page is asked for. */
function swapped(attribute: "hx-get" | "hx-post", address: string) {
  return {
    [attribute]: address,
    "hx-target": "#pick",
    "hx-swap": "outerMorph",
    ...attribute === "hx-get" && { "hx-replace-url": "true" },
  };
}

function Verdict({ rating, value, name, children }: {
  rating: number;
  value: number;
  name: string;
  children?: unknown;
}) {
  return (
    <button
      id={`verdict-${value === -1 ? "x" : value}`}
      type="submit"
      name="rating"
      value={value}
      data-key={value === -1 ? "x" : value}
      aria-label={name}
      aria-pressed={rating === value ? "true" : "false"}
    >
      <span aria-hidden="true">{children}</span>
    </button>
  );
}

function Turn({ href, name, label, keys }: { href: string; name: string; label: string; keys: string }) {
  return (
    <a class="button quiet" href={href} aria-label={label} data-key={keys} {...swapped("hx-get", href)}>
      {name}
    </a>
  );
}

/** On its way before it is asked for. */
function Ahead({ image }: { image: Image }) {
  return (
    <span class="unseen" aria-hidden="true">
      <Picture image={image} text="" />
    </span>
  );
}

const shownAround = 6;

/** Those on either side of the one that is large, which stands in the middle; null: there is none. */
function around(images: readonly Image[], at: number): (Image | null)[] {
  return Array.from({ length: 2 * shownAround + 1 }, (_, i) => images[at - shownAround + i] ?? null);
}

function starred(images: readonly Image[]): Image[] {
  return images.filter(({ rating }) => rating > 0);
}

export interface PickEndProps {
  user: User;
  source: PickSource;
  images: readonly Image[];
  /** Of those with stars, the best first. */
  kept: readonly PictureView[];
  boards: readonly Board[];
  undo: string;
  /** What was just deleted, as far as that can still be undone. */
  deleted?: readonly { id: string }[];
  /** Why something was not done. */
  problem?: string;
}

/** When all have been looked at: what becomes of them. */
export function PickEndPage(
  { user, source, images, kept, boards, undo, deleted = [], problem }: PickEndProps,
) {
  const { path, query, title, back } = source;
  const rest = images.filter(({ rating }) => rating <= 0);
  const [winner] = kept;
  const last = images.at(-1);
  const address = (name: string) => addressOf(`${path}/${name}`, query);
  return (
    <Layout title={`Picked · ${title}`} user={user} current="/gallery">
      <div id="pick" class="pick pick-end">
        <header class="pick-head">
          <a class="button quiet" rel="up" data-key="Escape" href={back}>Close</a>
          <h1>
            <span dir="auto">{title}</span>{" "}
            <span class="muted">
              {kept.length === 0 ? "no picks yet" : `${plural(kept.length, "pick")} of ${images.length}`}
            </span>
          </h1>
          {last !== undefined && (
            <a
              class="button quiet"
              data-key="ArrowLeft"
              href={addressOf(path, query, undo && `undo=${undo}`, `at=${last.id}`)}
            >
              ← Back to the pictures
            </a>
          )}
        </header>
        <div class="pick-result">
          {deleted.length > 0 && <DeletedNotice images={deleted} />}
          <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
          {kept.length === 0 && (
            <p class="muted">
              A picture that gets a star is a pick. Look through them once more, or take them two at a time.
            </p>
          )}
          <ul class="tiles">
            {kept.map(({ image, text }) => (
              <li class="tile" data-rating={image.rating}>
                <a href={`/images/${image.id}`}>
                  <Thumbnail image={image} text={text} />
                </a>
              </li>
            ))}
          </ul>
          <div class="pick-acts">
            {kept.length > 0 && rest.length > 0 && (
              <form method="post" action={address("keep")}>
                {rest.map(({ id }) => <input type="hidden" name="image" value={id} />)}
                <button class="danger" type="submit">Keep {kept.length}, delete {rest.length}</button>
              </form>
            )}
            {images.length > 1 && (
              <form method="post" action={address("duel")}>
                <button type="submit">Two at a time</button>
              </form>
            )}
            {winner?.prompt && (
              <a class="button" href={`/generator?from=${winner.prompt.id}`}>Use settings of the winner</a>
            )}
          </div>
          {kept.length > 0 && (
            <form class="one-field pick-board" method="post" action={address("board")}>
              <BoardChoice id="pick-board" boards={boards} />
              <button type="submit">
                {kept.length === 1 ? "Add it to a board" : `Add the ${kept.length} to a board`}
              </button>
            </form>
          )}
        </div>
      </div>
    </Layout>
  );
}
