/** One picture as large as fits, and every fact about it. */
import type { Child } from "hono/jsx";
import type { Image } from "../../lib/images/image.ts";
import type { ImageQuery } from "../../lib/images/image_search.ts";
import type { ImageView } from "../../lib/live/prompt_view.ts";
import type { Family } from "../../lib/images/lineage.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import type { LivePage } from "../shell/live_page.ts";
import { Cost } from "../money/cost.tsx";
import { bytes, duration } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { ChangeBox, type ChangeBoxProps } from "./change_box.tsx";
import { Fact } from "./facts.tsx";
import { CreditLine } from "../publications/credit.tsx";
import { PublishBox, type Publishing } from "../publications/publish_form.tsx";
import type { Credit } from "../../lib/live/publication_view.ts";
import { addressOf, boardQuery, queryOf } from "./image_query.ts";
import { PictureFamily } from "./lineage.tsx";
import { Marks, type MarksProps } from "./marks.tsx";
import { Kept, MadeFrom, type Origin } from "./made_from.tsx";
import { fileAddress, galleryAddress, Picture } from "./picture.tsx";
import { Rating } from "./rating.tsx";
import { CardButton } from "../prompts/prompt_card.tsx";
import { Time } from "../shell/time.tsx";

export function ImagePage(
  { user, cursor, view, neighbours, query, marks, box, family, origin, credit, publishing, onBoard }: {
    user: Reader;
    cursor: string;
    view: ImageView;
    neighbours: Neighbours;
    /** The search that the picture was found by. */
    query: ImageQuery;
    marks: MarksProps;
    box: ChangeBoxProps;
    family: Family;
    /** What of somebody else's it goes back to; null where it is one's own. */
    credit: Credit | null;
    /** Null: there is no public gallery. */
    publishing: Publishing | null;
    origin: Origin;
    onBoard: OnBoard | null;
  },
) {
  const { image, prompt, costMicros, charge, durationMs } = view;
  const { text, options, watermark } = prompt.request;
  const wasResized = image.originalWidth !== image.width || image.originalHeight !== image.height;
  return (
    <Layout
      title={image.title}
      user={user}
      current="/gallery"
      live={{ page: onBoard?.page ?? "other", cursor }}
    >
      <div id={goneId(image.id)} class="gone"></div>
      <article class="print" data-picture={image.id}>
        <div class="stage">
          <a href={fileAddress(image.id)}>
            <Picture image={image} text={text} />
          </a>
          <Rating image={image} returnTo={addressOf(`/images/${image.id}`, queryOf(query))} />
          <Turn imageId={image.id} neighbours={neighbours} query={query} />
          <Kept image={image} />
          <ChangeBox {...box} />
        </div>
        <div class="about">
          <h1 class="text" dir="auto">{text}</h1>
          <CreditLine credit={credit} isLinked={publishing !== null} />
          <div class="actions">
            <CardButton action={`/prompts/${prompt.id}/retry`} name="Make again" />
            <a class="button quiet" href={`/generator?from=${prompt.id}`}>Use settings</a>
            {user.isSharing !== false && (
              <a class="button quiet" href={`/shares/new?image=${image.id}`}>Share</a>
            )}
            <a class="button quiet" href={`/recipes/new?from=${prompt.id}`}>Save as recipe</a>
          </div>
          <Marks {...marks} />
          {publishing && <PublishBox view={view} publishing={publishing} />}
          {onBoard?.comments}
          <dl class="facts-list">
            <Fact name="Model">{image.model}</Fact>
            <Fact name="Size">
              {image.width} × {image.height}
              {wasResized && ` (made at ${image.originalWidth} × ${image.originalHeight})`}
            </Fact>
            <Fact name="Cost">
              {costMicros === null || charge === null
                ? "not known yet"
                : <Cost cost={{ ...charge, costMicros }} isCompleted />}
            </Fact>
            {durationMs !== null && <Fact name="Took">{duration(durationMs)}</Fact>}
            <Fact name="Made">
              <Time at={image.createdAt} zone={user.timeZone} />
            </Fact>
            {image.seed !== null && (
              <Fact name="Seed">
                {image.seed} <a href={`/generator?from=${prompt.id}&seed=${image.seed}`}>Use it again</a>
              </Fact>
            )}
            {options.negativePrompt && (
              <Fact name="Left out">
                <bdi>{options.negativePrompt}</bdi>
              </Fact>
            )}
            {options.steps !== undefined && <Fact name="Steps">{options.steps}</Fact>}
            {options.guidance !== undefined && <Fact name="Guidance">{options.guidance}</Fact>}
            {watermark && (
              <Fact name="Watermark">
                <bdi>{watermark}</bdi>
              </Fact>
            )}
            <Fact name="File">
              {image.contentType.replace("image/", "").toUpperCase()}, {bytes(image.byteLength)}
            </Fact>
            <Fact name="SHA-256">
              <code>{image.sha256}</code>
            </Fact>
          </dl>
          <MadeFrom image={image} request={prompt.request} origin={origin} />
          <div class="keep">
            <h2>Download</h2>
            <div class="actions">
              <Download image={image} query="?save=1" name="As it is" />
              {image.hasOriginal && (
                <Download image={image} query="?original=1&save=1" name="As it was made" />
              )}
              {copies.map(({ format, name }) => (
                <Download image={image} query={`?download=${format}`} name={name} />
              ))}
            </div>
            <p class="muted">PNG, JPEG and WebP are copies that carry the mark of AI-made pictures.</p>
            <div class="actions">
              <span class="muted">With the settings inside:</span>
              {copies.map(({ format, name }) => (
                <Download
                  image={image}
                  query={`?download=${format}&settings=1`}
                  name={name}
                  label={`${name} with the settings inside`}
                />
              ))}
            </div>
            <details class="delete">
              <summary>Delete</summary>
              <form method="post" action={`/images/${image.id}/delete`}>
                <p>
                  For ten minutes you can undo it; then the picture and its files are gone for good. What it
                  cost stays in the books.
                </p>
                <button class="danger" type="submit">Delete this picture</button>
              </form>
            </details>
          </div>
        </div>
      </article>
      <PictureFamily family={family} />
    </Layout>
  );
}

/** What is said of a picture on the board on which it was found, and what its page is called then. */
export interface OnBoard {
  page: LivePage;
  comments: Child;
}

/** The pictures on either side; null where there is none. */
export interface Neighbours {
  newer: string | null;
  older: string | null;
}

/** Through the pictures among which it was found. */
export function Turn(
  { imageId, neighbours: { newer, older }, query }: {
    imageId: string;
    neighbours: Neighbours;
    query: ImageQuery;
  },
) {
  const narrowed = queryOf(query);
  return (
    <nav class="turn" aria-label="Other pictures">
      <WayUp imageId={imageId} query={query} />
      {newer && <a class="button quiet" rel="prev" href={addressOf(`/images/${newer}`, narrowed)}>← Newer</a>}
      {older && <a class="button quiet" rel="next" href={addressOf(`/images/${older}`, narrowed)}>Older →</a>}
    </nav>
  );
}

/** Back to where it was found: a board, or a place in the gallery. */
function WayUp({ imageId, query }: { imageId: string; query: ImageQuery }) {
  const narrowed = queryOf(query);
  if (query.boardId !== null && narrowed === boardQuery(query.boardId)) {
    return <a class="button quiet" rel="up" href={`/boards/${query.boardId}`}>Board</a>;
  }
  return <a class="button quiet" rel="up" href={galleryAddress(imageId, narrowed)}>Gallery</a>;
}

/** Where its page says that a picture was deleted meanwhile. */
export function goneId(imageId: string): string {
  return `gone-${imageId}`;
}

const copies = [
  { format: "png", name: "PNG" },
  { format: "jpeg", name: "JPEG" },
  { format: "webp", name: "WebP" },
];

function Download(
  { image, query, name, label }: { image: Image; query: string; name: string; label?: string },
) {
  return <a class="button quiet" href={fileAddress(image.id, query)} aria-label={label} download>{name}</a>;
}
