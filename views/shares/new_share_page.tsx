/** Making a link: what it shows, and what people may do who have it. */
import type { Image } from "../../lib/images/image.ts";
import type { Sharing } from "../../lib/shares/share.ts";
import type { User } from "../../lib/users/user.ts";
import { Thumbnail } from "../images/picture.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { type FilledShare, usualShare } from "./filled_share.ts";
import { ShareFields } from "./share_fields.tsx";

const shownAtMost = 12;

export function NewSharePage({ user, chosen, name, images, problem, form = usualShare, sharing }: {
  user: User;
  chosen: { imageIds: string[] } | { boardId: string };
  /** Of the board or batch; null: pictures were chosen. */
  name: string | null;
  images: readonly Image[];
  problem?: string;
  form?: FilledShare;
  sharing: Sharing;
}) {
  const more = images.length - shownAtMost;
  return (
    <Layout title="Share" user={user}>
      <div class="heading">
        <h1>Share {images.length === 1 ? "a picture" : plural(images.length, "picture")}</h1>
        {name !== null && (
          <p class="muted">
            of <bdi>{name}</bdi>
            {"boardId" in chosen && ", and what comes onto the board later"}
          </p>
        )}
      </div>
      <div class="new-share">
        <ul class="strip-of">
          {images.slice(0, shownAtMost).map((image) => (
            <li>
              <Thumbnail image={image} text={textOf(image, user)} wide={images.length === 1} />
            </li>
          ))}
          {more > 0 && <li class="muted">and {more} more</li>}
        </ul>
        <form class="stack" method="post" action="/shares">
          <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
          {"boardId" in chosen
            ? <input type="hidden" name="boardId" value={chosen.boardId} />
            : chosen.imageIds.map((id) => <input type="hidden" name="imageIds" value={id} />)}
          <p class="muted">
            {sharing === "members"
              ? "Whoever has an account here and the link can see it, until it ends or you end it."
              : "Whoever has the link can see it, without an account, until it ends or you end it."}
          </p>
          <ShareFields form={form} isNew />
          <button class="primary" type="submit">Make a link</button>
        </form>
      </div>
    </Layout>
  );
}

/** What others have put onto a board may be theirs to tell of; a link tells nothing of it either. */
function textOf({ userId, title }: Image, { id }: User): string {
  return userId === id ? title : "A picture of somebody else";
}
