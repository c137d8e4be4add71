/** What goes since this server keeps pictures for a while only: said where pictures are, and shown on a page. */
import type { LeavingSum } from "../../lib/images/leaving.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import { bytes, plural } from "../shell/format.ts";
import { Time } from "../shell/time.tsx";
import { Thumbnail } from "./picture.tsx";

export function LeavingNotice({ sum }: { sum: LeavingSum }) {
  return (
    <div class="caution" role="note">
      <p>
        {picturesWords(sum)} by and by, from <Time at={sum.firstAt} />{" "}
        on, as this server keeps them for a while only.
      </p>
      <p>
        <a href="/leaving">See what goes, and keep it</a>
      </p>
    </div>
  );
}

function picturesWords({ pictures, isMore }: LeavingSum): string {
  if (isMore) return `More than ${pictures} of your pictures go`;
  return pictures === 1 ? "1 of your pictures goes" : `${pictures} of your pictures go`;
}

export interface LeavingPicture {
  view: PictureView;
  goesAt: number;
}

export function LeavingPage({ user, retainDays, sum, pictures }: {
  user: User;
  /** Null: the setting was taken away just now. */
  retainDays: number | null;
  sum: LeavingSum | null;
  pictures: readonly LeavingPicture[];
}) {
  return (
    <Layout title="Pictures that go" user={user} current="/gallery">
      <div class="heading">
        <h1>Pictures that go</h1>
        {sum !== null && (
          <p class="muted">
            {plural(sum.pictures, "picture")}
            {sum.isMore && " and more"}, {bytes(sum.bytes)}
          </p>
        )}
      </div>
      <p class="muted">
        {retainDays === null
          ? "This server keeps all pictures."
          : `This server keeps pictures for ${plural(retainDays, "day")}.`}{" "}
        Those stay that have a star, are on a board, shared or published. Whatever you do not mark so goes,
        and its prompt stays in your history.
      </p>
      {pictures.length === 0
        ? (
          <p class="empty">
            Nothing goes. <a href="/gallery">To your gallery</a>
          </p>
        )
        : (
          <form method="post" action="/gallery/selection">
            <input type="hidden" name="returnTo" value="/leaving" />
            <ul class="leaving">
              {pictures.map(({ view: { image, text }, goesAt }) => (
                <li data-picture={image.id}>
                  <a href={`/images/${image.id}`}>
                    <Thumbnail image={image} text={text} />
                  </a>
                  <label>
                    <input type="checkbox" name="image" value={image.id} />
                    <span>
                      <span class="unseen">{text}</span> goes on <Time at={goesAt} zone={user.timeZone} />
                    </span>
                  </label>
                </li>
              ))}
            </ul>
            <p class="actions">
              <button type="submit" name="rating" value="1">Keep those that are selected, with a star</button>
              <button class="quiet" type="submit" name="action" value="download">Download them</button>
            </p>
          </form>
        )}
    </Layout>
  );
}
