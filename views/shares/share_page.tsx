/** One link of somebody's own: its address to copy, what others are shown of it, and changing and ending it. */
import type { Sharing } from "../../lib/shares/share.ts";
import type { ShareView } from "../../lib/shares/share_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Fact } from "../images/facts.tsx";
import { shareAddress } from "../json/share_json.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { ShareFields } from "./share_fields.tsx";
import { anyTitle } from "./shared_layout.tsx";

export function SharePage({ user, view, publicUrl, sharing, problem }: {
  user: User;
  view: ShareView;
  publicUrl: string;
  sharing: Sharing;
  /** Why it was not changed. */
  problem?: string;
}) {
  const { share, endedAt } = view;
  return (
    <Layout title="Share" user={user} current="/shares">
      <div class="heading">
        <h1>{endedAt === null ? "Your link" : "This link has ended"}</h1>
        <a class="button quiet" rel="up" href="/shares">All links</a>
      </div>
      <div class="share">
        <div class="stack">
          {endedAt === null && sharing !== "off" && <Address {...{ view, publicUrl }} />}
          {sharing === "off" && (
            <p class="problem">
              Sharing is switched off on this server: nobody sees it.
            </p>
          )}
          {sharing === "members" && <p class="muted">Only people with an account here can open it.</p>}
          <Facts {...{ user, view }} />
        </div>
        {endedAt === null && (
          <div class="stack">
            <details class="change-share" open={problem !== undefined}>
              <summary>Change</summary>
              <form class="stack" method="post" action={`/shares/${share.id}`}>
                <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
                <ShareFields form={{ ...share, expires: "", password: "" }} isNew={false} />
                {share.password !== null && (
                  <label class="tick">
                    <input type="checkbox" name="withoutPassword" value="true" />
                    Take the password away
                  </label>
                )}
                <button type="submit">Save</button>
              </form>
            </details>
            <EndNow share={share} />
          </div>
        )}
      </div>
    </Layout>
  );
}

function Address({ view, publicUrl }: { view: ShareView; publicUrl: string }) {
  const address = shareAddress(view, publicUrl);
  if (address === null) {
    return (
      <p>
        The link works, but its address can't be shown any more: the server's secret is another one now. Make
        a new link if you need it.
      </p>
    );
  }
  return (
    <>
      <p class="link-address">
        <a id="address" href={address}>{address}</a>
        <button class="primary" type="button" data-copy="#address" hidden>Copy</button>
      </p>
      <figure class="card-preview">
        <img src={`/s/${view.token}/card.jpg`} width={1200} height={630} alt="" />
        <figcaption>
          <strong dir="auto">{view.share.password === null && view.share.note || anyTitle}</strong>
          <span class="muted">What messengers show of it</span>
        </figcaption>
      </figure>
    </>
  );
}

function Facts({ user, view }: { user: User; view: ShareView }) {
  const { share, images, views, lastViewedOn, endedAt } = view;
  return (
    <dl class="facts-list">
      <Fact name="Shows">{plural(images, "picture")}</Fact>
      <Fact name="Made">
        <Time at={share.createdAt} zone={user.timeZone} />
      </Fact>
      <Fact name={endedAt === null ? "Ends" : "Ended"}>
        {endedAt !== null
          ? <Time at={endedAt} zone={user.timeZone} />
          : share.expiresAt === null
          ? "when you end it"
          : <Time at={share.expiresAt} zone={user.timeZone} />}
      </Fact>
      <Fact name="Password">{share.password === null ? "none" : "set"}</Fact>
      <Fact name="Looked at">
        {views === 0 || lastViewedOn === null ? "not yet" : (
          <>
            {plural(views, "time")}, last on <time datetime={lastViewedOn}>{lastViewedOn}</time>
          </>
        )}
      </Fact>
    </dl>
  );
}

export function EndNow({ share: { id, note } }: { share: { id: string; note: string } }) {
  return (
    <form method="post" action={`/shares/${id}/end`}>
      <button class="danger" type="submit">
        End now{note !== "" && <span class="unseen">: {note}</span>}
      </button>
    </form>
  );
}
