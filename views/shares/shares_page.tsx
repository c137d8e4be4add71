/** All links of somebody's own, the latest first. */
import type { Sharing } from "../../lib/shares/share.ts";
import type { ShareView } from "../../lib/shares/share_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Thumbnail } from "../images/picture.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";
import { EndNow } from "./share_page.tsx";

export function SharesPage({ user, shares, sharing, next }: {
  user: User;
  shares: readonly ShareView[];
  sharing: Sharing;
  /** The cursor of older ones; null after the last. */
  next: string | null;
}) {
  return (
    <Layout title="Shares" user={user} current="/shares">
      <div class="heading">
        <h1>Shares</h1>
      </div>
      {sharing === "off" && <p class="problem">Sharing is switched off on this server: nobody sees these.</p>}
      {shares.length === 0
        ? (
          <div class="empty">
            <p>A link shows a picture, a board or the best of a batch to people without an account.</p>
            {sharing !== "off" && <a class="button primary" href="/gallery">Choose pictures</a>}
          </div>
        )
        : (
          <Records columns={["What", "Views", "Last seen", "Made", "Ends"]} hasActions>
            {shares.map((view) => <ShareRow {...{ user, view }} />)}
          </Records>
        )}
      {next !== null && (
        <p class="more">
          <a class="button" href={`/shares?cursor=${next}`}>Older links</a>
        </p>
      )}
    </Layout>
  );
}

function ShareRow({ user, view }: { user: User; view: ShareView }) {
  const { share, images, cover, views, lastViewedOn, endedAt } = view;
  const path = `/shares/${share.id}`;
  return (
    <tr data-share-id={share.id}>
      <th scope="row">
        <a class="shared-what" href={path}>
          {cover !== null && <Thumbnail image={cover} text="" />}
          <span>
            <span dir="auto">{share.note || plural(images, "picture")}</span>
            {share.note !== "" && <span class="muted">{plural(images, "picture")}</span>}
            {share.password !== null && <span class="muted">with a password</span>}
          </span>
        </a>
      </th>
      <td class="number" data-name="Views">{views}</td>
      <td class="number" data-name="Last seen">{lastViewedOn ?? "never"}</td>
      <td data-name="Made">
        <Time at={share.createdAt} zone={user.timeZone} />
      </td>
      <td data-name="Ends">
        {endedAt !== null
          ? <span class="status cancelled">ended</span>
          : share.expiresAt === null
          ? "never"
          : <Time at={share.expiresAt} zone={user.timeZone} />}
      </td>
      <td class="acts">
        {endedAt === null && (
          <div class="actions">
            <a class="button quiet" href={path}>Change</a>
            <EndNow share={share} />
          </div>
        )}
      </td>
    </tr>
  );
}
