/** What somebody shows, or wanted to show, to everybody: states, reasons, and what can be done about them. */
import type { PublicationView } from "../../lib/live/publication_view.ts";
import type { User } from "../../lib/users/user.ts";
import type { Pagination } from "../json/pagination_json.ts";
import { MoreLink } from "../prompts/history_page.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { type PublishFields, TextFields } from "./publish_form.tsx";
import { publicationPath, ShownPicture } from "./shown_picture.tsx";
import { stateNames, stateWords } from "./state_words.ts";

export interface PublishedPageProps {
  user: User;
  views: readonly PublicationView[];
  pagination: Pagination;
  /** Why something was not done, and about which of them. */
  problem?: { id: string; message: string };
}

export function PublishedPage({ user, views, pagination, problem }: PublishedPageProps) {
  const isElsewhere = problem && !views.some(({ publication }) => publication.id === problem.id);
  return (
    <Layout title="Published" user={user} current="/published">
      <div class="heading">
        <h1>Published</h1>
        <p class="muted">{plural(pagination.total, "picture")} in all</p>
        <a class="button quiet" href="/explore">The gallery</a>
      </div>
      {user.isPublishingStopped && (
        <p class="said">
          A moderator has stopped you from publishing. What is shown stays, and you can withdraw it.
        </p>
      )}
      {isElsewhere && <ErrorText message={problem.message} />}
      {views.length === 0
        ? (
          <div class="empty">
            <p>You have published nothing. A picture is published on its own page.</p>
            <a class="button primary" href="/gallery">Choose one of your pictures</a>
          </div>
        )
        : (
          <ul class="publications">
            {views.map((view) => (
              <Row
                view={view}
                user={user}
                problem={problem?.id === view.publication.id ? problem.message : undefined}
              />
            ))}
          </ul>
        )}
      <MoreLink pagination={pagination} path="/published" query="" name="Older ones" />
    </Layout>
  );
}

function Row({ view, user, problem }: { view: PublicationView; user: User; problem?: string }) {
  const { publication, image, remixes } = view;
  const { id, title, state, decision, appeal } = publication;
  const isThere = state !== "WITHDRAWN";
  return (
    <li id={`publication-${id}`} data-publication={id} data-state={state}>
      <div class="small">
        {image !== null && isThere && (
          <a href={publicationPath(id)}>
            <ShownPicture {...{ id, image, title }} width={320} isLazy />
          </a>
        )}
      </div>
      <div class="what">
        <h2 dir="auto">{isThere ? <a href={publicationPath(id)}>{title}</a> : title}</h2>
        <p>
          <span class={`standing is-${state.toLowerCase()}`}>{stateNames[state]}</span>{" "}
          {stateWords(publication)}
        </p>
        {decision?.reason && isThere && (
          <div class="said">
            <p>A moderator said:</p>
            <p class="text quoted" dir="auto">{decision.reason}</p>
          </div>
        )}
        {appeal && (
          <p class="muted">
            {appeal.isOpen ? "You have appealed; a moderator looks at it again." : "You have appealed once."}
          </p>
        )}
        <p class="muted">
          Published <Time at={publication.createdAt} zone={user.timeZone} />
          {remixes > 0 && `, remixed ${plural(remixes, "time")}`}
        </p>
        {problem && <ErrorText message={problem} />}
        {isThere && (
          <div class="actions">
            {(state === "REFUSED" || state === "HIDDEN") && appeal === null && <Appeal id={id} />}
            {!user.isPublishingStopped && <Change view={view} />}
            <Withdraw id={id} />
          </div>
        )}
      </div>
    </li>
  );
}

function Appeal({ id }: { id: string }) {
  return (
    <details>
      <summary>Appeal</summary>
      <form class="stack" method="post" action={`/published/${id}/appeal`}>
        <div class="field">
          <label for={`appeal-${id}`}>Why should it be shown? You can ask once.</label>
          <textarea id={`appeal-${id}`} name="text" dir="auto" rows={4} maxlength={1000} required></textarea>
        </div>
        <button type="submit">Ask again</button>
      </form>
    </details>
  );
}

function Change({ view: { publication, request } }: { view: PublicationView }) {
  const { id, title, showPrompt, allowRemix, isSensitive } = publication;
  const fields: PublishFields = {
    title,
    ...(showPrompt && { showPrompt: "on" }),
    ...(allowRemix && { allowRemix: "on" }),
    ...(isSensitive && { sensitive: "on" }),
  };
  return (
    <details>
      <summary>Change</summary>
      <form class="stack" method="post" action={`/published/${id}`}>
        <TextFields fields={fields} hasPrompt={request !== null} idPrefix={`change-${id}`} />
        <p class="muted">
          A new title, a prompt that was not shown, or a picture that is not sensitive any more may be looked
          at by a moderator first. Until then nobody else sees it.
        </p>
        <button type="submit">Save</button>
      </form>
    </details>
  );
}

function Withdraw({ id }: { id: string }) {
  return (
    <details class="delete">
      <summary>Withdraw</summary>
      <form method="post" action={`/published/${id}/withdraw`}>
        <p>
          It is not shown any more, at once and for good. The picture stays yours, and can be published again.
        </p>
        <button class="danger" type="submit">Withdraw it</button>
      </form>
    </details>
  );
}
