/** Somebody else's picture, as it is shared on a board. */
import type { Child } from "hono/jsx";
import type { Board } from "../../lib/boards/board.ts";
import type { SeenPicture } from "../../lib/live/seen_picture.ts";
import type { User } from "../../lib/users/user.ts";
import { bytes } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { picturePageName } from "../shell/topic_news.tsx";
import { Fact } from "./facts.tsx";
import { type Neighbours, Turn } from "./image_page.tsx";
import type { ImageQuery } from "../../lib/images/image_search.ts";
import { fileAddress, Picture } from "./picture.tsx";

export function SeenPage({ user, cursor, seen, board, query, neighbours, mayTakeOff, children }: {
  user: User;
  cursor: string;
  seen: SeenPicture;
  /** The board through which it is seen. */
  board: Board;
  query: ImageQuery;
  neighbours: Neighbours;
  mayTakeOff: boolean;
  /** What is said of it. */
  children?: Child;
}) {
  const { image, text, ownerName, request, isPromptHidden } = seen;
  return (
    <Layout
      title={image.title}
      user={user}
      current="/boards"
      live={{ page: picturePageName({ boardId: board.id, imageId: image.id }), cursor }}
    >
      <article class="print">
        <div class="stage">
          <a href={fileAddress(image.id)}>
            <Picture image={image} text={text} />
          </a>
          <Turn imageId={image.id} neighbours={neighbours} query={query} />
        </div>
        <div class="about">
          <h1 class="text" dir="auto">{text}</h1>
          <p class="muted">
            By <bdi>{ownerName}</bdi>, on the board{" "}
            <a href={`/boards/${board.id}`} dir="auto">{board.name}</a>
          </p>
          <dl class="facts-list">
            {image.kind === "made" && <Fact name="Model">{image.model}</Fact>}
            <Fact name="Size">{image.width} × {image.height}</Fact>
            <Fact name={image.kind === "made" ? "Made" : "Uploaded"}>
              <Time at={image.createdAt} zone={user.timeZone} />
            </Fact>
            {!isPromptHidden && image.kind === "made" && image.seed !== null && (
              <Fact name="Seed">{image.seed}</Fact>
            )}
            {request?.options.negativePrompt && (
              <Fact name="Left out">
                <bdi>{request.options.negativePrompt}</bdi>
              </Fact>
            )}
            <Fact name="File">
              {image.contentType.replace("image/", "").toUpperCase()}, {bytes(image.byteLength)}
            </Fact>
          </dl>
          <div class="actions">
            <a class="button quiet" href={fileAddress(image.id, "?save=1")} download>Download</a>
            {mayTakeOff && (
              <form method="post" action={`/boards/${board.id}/off`}>
                <input type="hidden" name="image" value={image.id} />
                <button class="quiet" type="submit">Take off the board</button>
              </form>
            )}
          </div>
          {children}
        </div>
      </article>
    </Layout>
  );
}
