/** A picture that somebody uploaded, to be changed or to be shown what is meant. */
import type { ImageQuery } from "../../lib/images/image_search.ts";
import type { UploadView } from "../../lib/live/prompt_view.ts";
import type { Family } from "../../lib/images/lineage.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { bytes } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { ChangeBox, type ChangeBoxProps } from "./change_box.tsx";
import { Fact } from "./facts.tsx";
import { goneId, type Neighbours, type OnBoard, Turn } from "./image_page.tsx";
import { PictureFamily } from "./lineage.tsx";
import { Marks, type MarksProps } from "./marks.tsx";
import { CreditLine } from "../publications/credit.tsx";
import { PublishBox, type Publishing } from "../publications/publish_form.tsx";
import type { Credit } from "../../lib/live/publication_view.ts";
import { addressOf, queryOf } from "./image_query.ts";
import { fileAddress, Picture } from "./picture.tsx";
import { Rating } from "./rating.tsx";

export function UploadPage(
  { user, cursor, view, neighbours, query, marks, box, family, credit, publishing, onBoard }: {
    user: Reader;
    cursor: string;
    view: UploadView;
    neighbours: Neighbours;
    query: ImageQuery;
    marks: MarksProps;
    box: ChangeBoxProps;
    family: Family;
    /** What of somebody else's it goes back to; null where it is one's own. */
    credit: Credit | null;
    /** Null: there is no public gallery. */
    publishing: Publishing | null;
    onBoard: OnBoard | null;
  },
) {
  const { image, text } = view;
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
          <ChangeBox {...box} />
        </div>
        <div class="about">
          <h1 class="text" dir="auto">{text}</h1>
          <CreditLine credit={credit} isLinked={publishing !== null} />
          <Marks {...marks} />
          {publishing && <PublishBox view={view} publishing={publishing} />}
          {onBoard?.comments}
          <dl class="facts-list">
            <Fact name="Size">{image.width} × {image.height}</Fact>
            <Fact name="Uploaded">
              <Time at={image.createdAt} zone={user.timeZone} />
            </Fact>
            <Fact name="File">
              {image.contentType.replace("image/", "").toUpperCase()}, {bytes(image.byteLength)}
            </Fact>
            <Fact name="SHA-256">
              <code>{image.sha256}</code>
            </Fact>
          </dl>
          <div class="keep">
            <h2>Download</h2>
            <div class="actions">
              <a class="button quiet" href={fileAddress(image.id, "?save=1")} download>As it is kept</a>
              {user.isSharing !== false && (
                <a class="button quiet" href={`/shares/new?image=${image.id}`}>Share</a>
              )}
            </div>
            <p class="muted">It is kept upright and without the camera's notes, such as the place.</p>
            <details class="delete">
              <summary>Delete</summary>
              <form method="post" action={`/images/${image.id}/delete`}>
                <p>
                  For ten minutes you can undo it; then the picture is gone for good. What was made from it
                  stays.
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
