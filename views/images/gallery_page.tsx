/** The gallery: all pictures, newest first, or those that were searched for; several can be taken at once. */
import type { Image } from "../../lib/images/image.ts";
import type { ImageQuery } from "../../lib/images/image_search.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { DeletedNotice } from "./deleted_notice.tsx";
import { plural, size } from "../shell/format.ts";
import { addressOf, queryOf } from "./image_query.ts";
import { Layout } from "../shell/layout.tsx";
import { Paintings } from "../shell/paintings.tsx";
import { type Ready, rendered } from "../shell/ready.ts";
import { Tile, tileName } from "./picture.tsx";

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
  user: User;
  cursor: string;
  /** All pictures of the kind, whatever was searched for. */
  total: number;
  /** The first part is not the beginning. */
  isContinued: boolean;
  /** What the user's pictures can be narrowed down to. */
  choices: { models: string[]; sizes: string[] };
  /** What was just deleted, as far as that can still be undone. */
  deleted: Image[];
}

/** More parts than this go on a new page, which keeps the document small. */
export const maxParts = 12;

export function GalleryPage({ user, cursor, total, isContinued, choices, deleted, ...part }: GalleryProps) {
  const { images, query } = part;
  const isOfUploads = query.kind === "upload";
  const isNarrowed = queryOf(query) !== "" && !isOfUploads;
  const isFixed = isNarrowed || isContinued || isOfUploads;
  return (
    <Layout title="Gallery" user={user} current="/gallery" live={{ page: "gallery", cursor }}>
      {deleted.length > 0 && <DeletedNotice images={deleted} />}
      <div class="heading">
        <h1>Gallery</h1>
        <p class="muted">{plural(total, isOfUploads ? "upload" : "picture")} in all</p>
      </div>
      <nav class="filters" aria-label="Kind">
        <a href="/gallery" aria-current={isOfUploads ? undefined : "true"}>Made</a>
        <a href="/gallery?kind=upload" aria-current={isOfUploads ? "true" : undefined}>Uploads</a>
      </nav>
      {!isOfUploads && (total > 0 || isNarrowed) && (
        <SearchForm query={query} choices={choices} isNarrowed={isNarrowed} />
      )}
      <form class="selection" method="post" action="/gallery/selection">
        <ul id="gallery" class="tiles gallery" data-fixed={isFixed ? "" : undefined}>
          <GalleryTiles {...part} />
        </ul>
        <div class="bar">
          <button type="submit" name="action" value="download">Download</button>
          <button type="submit" name="action" value="compare">Compare two</button>
          <button type="submit" name="action" value="source">Use as source</button>
          <button type="submit" name="action" value="delete" class="danger">Delete</button>
          <button type="reset" class="quiet">Select none</button>
        </div>
      </form>
      {images.length === 0 &&
        (isOfUploads ? <NoUploads /> : <Nothing isNarrowed={isNarrowed} goesOn={part.next !== null} />)}
    </Layout>
  );
}

/** Some tiles and, after them, what brings the next ones: by itself once it is seen, or as a link. */
export function GalleryTiles({ images, query, next, parts, ready = rendered }: GalleryPart) {
  const narrowed = queryOf(query);
  const address = next === null ? null : addressOf("/gallery", narrowed, `cursor=${next}`);
  return (
    <>
      {images.map((view) => {
        const tile = { view, query: narrowed, isSelectable: true };
        return ready(tileName(tile), () => <Tile {...tile} />);
      })}
      {address !== null && (
        parts < maxParts
          ? (
            <li
              class="more"
              hx-get={addressOf("/gallery/part", narrowed, `cursor=${next}&parts=${parts + 1}`)}
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

function SearchForm(
  { query, choices, isNarrowed }: Pick<GalleryProps, "query" | "choices"> & { isNarrowed: boolean },
) {
  const { text, model, size: chosenSize, from, to, cost, zone } = query;
  const isFiltered = [model, chosenSize, from, to, cost].some((filter) => filter !== null);
  return (
    <form class="search" method="get" action="/gallery" role="search">
      <div class="field wide">
        <label for="q">Words in the prompt</label>
        <input id="q" name="q" type="search" value={text} dir="auto" autocomplete="off" />
      </div>
      <div class="actions">
        <button type="submit">Search</button>
        {isNarrowed && <a class="button quiet" href="/gallery">Show all</a>}
      </div>
      <details class="narrow" open={isFiltered}>
        <summary>Narrow down</summary>
        <div>
          <Choice name="model" label="Model" value={model} options={choices.models.map((id) => [id, id])} />
          <Choice
            name="size"
            label="Size"
            value={chosenSize}
            options={choices.sizes.map((each) => [each, size(each)])}
          />
          <Choice name="cost" label="Cost" value={cost} options={[["free", "free"], ["paid", "paid for"]]} />
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
