/** The gallery: all pictures, newest first, or those that were searched for; several can be taken at once. */
import type { Board } from "../../lib/boards/board.ts";
import type { Image } from "../../lib/images/image.ts";
import type { ImageQuery } from "../../lib/images/image_search.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import type { LeavingSum } from "../../lib/images/leaving.ts";
import { LeavingNotice } from "./leaving_page.tsx";
import { DeletedNotice } from "./deleted_notice.tsx";
import { plural, size } from "../shell/format.ts";
import { addressOf, queryAmong, queryOf, starsField } from "./image_query.ts";
import { Layout } from "../shell/layout.tsx";
import { Paintings } from "../shell/paintings.tsx";
import { type Ready, rendered } from "../shell/ready.ts";
import { Tile, tileName } from "./picture.tsx";
import { ratingWords } from "./rating.tsx";
import { SelectionBar } from "./selection_bar.tsx";

export interface GalleryPart {
  images: PictureView[];
  query: ImageQuery;
  /** The cursor of the next part; null after the last. */
  next: string | null;
  /** Parts on the page so far, this one included. */
  parts: number;
  ready?: Ready;
}

export interface GalleryProps extends GalleryPart {
  user: Reader;
  cursor: string;
  /** All pictures of the kind, whatever was searched for. */
  total: number;
  /** The first part is not the beginning. */
  isContinued: boolean;
  /** What the user's pictures can be narrowed down to. */
  choices: { models: string[]; sizes: string[] };
  /** Tags that the user has given, and all of their boards. */
  knownTags: string[];
  boards: Board[];
  /** What was just deleted, as far as that can still be undone. */
  deleted: Image[];
  /** What goes since it is old; null: nothing. */
  leaving: LeavingSum | null;
}

/** More parts than this go on a new page, which keeps the document small. */
export const maxParts = 12;

export function GalleryPage(
  { user, cursor, total, isContinued, choices, knownTags, boards, deleted, leaving, ...part }: GalleryProps,
) {
  const { images, query } = part;
  const isOfUploads = query.kind === "upload";
  const isNarrowed = queryAmong(query, "made") !== "";
  const isFixed = isNarrowed || isContinued || isOfUploads;
  return (
    <Layout title="Gallery" user={user} current="/gallery" live={{ page: "gallery", cursor }}>
      {deleted.length > 0 && <DeletedNotice images={deleted} />}
      {leaving && <LeavingNotice sum={leaving} />}
      <div class="heading">
        <h1>Gallery</h1>
        <p class="muted">{plural(total, isOfUploads ? "upload" : "picture")} in all</p>
        {images.length > 1 && (
          <a class="button quiet" href={addressOf("/gallery/pick", queryOf(query))}>Pick the best</a>
        )}
        {images.length > 0 && (
          <a class="muted" href={addressOf("/gallery.csv", queryOf(query))} download>
            As a table (CSV)
          </a>
        )}
      </div>
      <nav class="filters" aria-label="Kind">
        {kinds.map(({ kind, name }) => (
          <a
            href={addressOf("/gallery", queryAmong(query, kind))}
            aria-current={query.kind === kind ? "true" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      {(total > 0 || isNarrowed) && <SearchForm {...{ query, choices, knownTags, boards, isNarrowed }} />}
      <form class="selection" method="post" action="/gallery/selection">
        <ul id="gallery" class="tiles gallery" data-fixed={isFixed ? "" : undefined}>
          <GalleryTiles {...part} />
        </ul>
        <SelectionBar
          isSharing={user.isSharing !== false}
          knownTags={knownTags}
          boards={boards}
          returnTo={addressOf("/gallery", queryOf(query))}
        />
      </form>
      {images.length === 0 &&
        (isOfUploads && !isNarrowed
          ? <NoUploads />
          : <Nothing isNarrowed={isNarrowed} goesOn={part.next !== null} />)}
    </Layout>
  );
}

const kinds = [
  { kind: "made", name: "Made" },
  { kind: "upload", name: "Uploads" },
  { kind: "all", name: "All" },
] as const;

/** Some tiles and, after them, what brings the next ones: by itself once it is seen, or as a link. */
export function GalleryTiles({ query, ...part }: GalleryPart) {
  const narrowed = queryOf(query);
  return <PictureTiles {...part} query={narrowed} place={{ path: "/gallery", narrowed }} />;
}

/** The same in another place: a page at `path`, whose parts are at `path/part`. */
export function PictureTiles({ images, query, place: { path, narrowed }, next, parts, ready = rendered }: {
  images: readonly PictureView[];
  /** The search by which each picture's own page goes on. */
  query: string;
  place: { path: string; narrowed: string };
  next: string | null;
  parts: number;
  ready?: Ready;
}) {
  const address = next === null ? null : addressOf(path, narrowed, `cursor=${next}`);
  return (
    <>
      {images.map((view) => {
        const tile = { view, query, isSelectable: true };
        return ready(tileName(tile), () => <Tile {...tile} />);
      })}
      {address !== null && (
        parts < maxParts
          ? (
            <li
              class="more"
              hx-get={addressOf(`${path}/part`, narrowed, `cursor=${next}&parts=${parts + 1}`)}
              hx-trigger="intersect once"
              hx-swap="outerHTML"
            >
              <a class="button" href={address}>Older pictures</a>
            </li>
          )
          : (
            <li class="more">
              <a class="button" href={address}>Older pictures</a>
            </li>
          )
      )}
    </>
  );
}

const fewestStars = ([1, 2, 3, 4, 5] as const).map((stars): [string, string] => [
  starsField(stars),
  stars === 5 ? ratingWords(5) : `${ratingWords(stars)} or more`,
]);

function SearchForm(
  { query, choices, knownTags, boards, isNarrowed }:
    & Pick<GalleryProps, "query" | "choices" | "knownTags" | "boards">
    & { isNarrowed: boolean },
) {
  const { kind, text, model, size: chosenSize, from, to, cost, stars, tags, boardId, zone } = query;
  const isFiltered = tags.length > 0 ||
    [model, chosenSize, from, to, cost, stars, boardId].some((filter) => filter !== null);
  const isOfUploads = kind === "upload";
  return (
    <form class="search" method="get" action="/gallery" role="search">
      {kind !== "made" && <input type="hidden" name="kind" value={kind} />}
      <div class="field wide">
        <label for="q">Words in the {isOfUploads ? "name" : "prompt"}</label>
        <input
          id="q"
          name="q"
          type="search"
          value={text}
          dir="auto"
          autocomplete="off"
          placeholder="fox stars:4 tag:night"
        />
      </div>
      <div class="actions">
        <button type="submit">Search</button>
        {isNarrowed && (
          <a class="button quiet" href={kind === "made" ? "/gallery" : `/gallery?kind=${kind}`}>Show all</a>
        )}
      </div>
      <details class="narrow" open={isFiltered}>
        <summary>Narrow down</summary>
        <div>
          <Choice
            name="stars"
            label="Stars"
            value={stars === null ? null : starsField(stars)}
            options={[...fewestStars, ["0", "not rejected"], ["x", "rejected"]]}
          />
          <div class="field">
            <label for="tag">Tag</label>
            <input
              id="tag"
              name="tag"
              value={tags.join(", ")}
              list="known-tags"
              dir="auto"
              autocomplete="off"
            />
            <datalist id="known-tags">{knownTags.map((tag) => <option value={tag}></option>)}</datalist>
          </div>
          {(boards.length > 0 || boardId !== null) && (
            <Choice
              name="board"
              label="Board"
              value={boardId}
              options={boards.map(({ id, name }) => [id, name])}
            />
          )}
          {!isOfUploads && (
            <>
              <Choice
                name="model"
                label="Model"
                value={model}
                options={choices.models.map((id) => [id, id])}
              />
              <Choice
                name="size"
                label="Size"
                value={chosenSize}
                options={choices.sizes.map((each) => [each, size(each)])}
              />
              <Choice
                name="cost"
                label="Cost"
                value={cost}
                options={[["free", "free"], ["paid", "paid for"]]}
              />
            </>
          )}
          <div class="field">
            <label for="from">From</label>
            <input id="from" name="from" type="date" value={from ?? ""} aria-describedby="days" />
          </div>
          <div class="field">
            <label for="to">To</label>
            <input id="to" name="to" type="date" value={to ?? ""} aria-describedby="days" />
          </div>
          <p id="days" class="muted">Days in {zone}</p>
        </div>
      </details>
    </form>
  );
}

function Choice({ name, label, value, options }: {
  name: string;
  label: string;
  value: string | null;
  options: [value: string, name: string][];
}) {
  const isOffered = value === null || options.some(([each]) => each === value);
  const all = isOffered ? options : [[value, value] as const, ...options];
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">any</option>
        {all.map(([each, words]) => <option value={each} selected={each === value}>{words}</option>)}
      </select>
    </div>
  );
}

function NoUploads() {
  return (
    <div class="empty">
      <p>No uploads yet. A picture that you send, to be changed or to show what you mean, is kept here.</p>
      <a class="button primary" href="/generator#sources">Choose a picture</a>
    </div>
  );
}

function Nothing({ isNarrowed, goesOn }: { isNarrowed: boolean; goesOn: boolean }) {
  if (goesOn) return <p class="empty">Nothing among the latest; there are older ones to look through.</p>;
  if (isNarrowed) return <p class="empty">No picture is like that. Try fewer words, or show all.</p>;
  return (
    <div class="empty">
      <p>No pictures yet. What you make appears here. Darkroom painted these from the words below them:</p>
      <Paintings />
      <a class="button primary" href="/generator">Make the first one</a>
    </div>
  );
}
