/** What moderators look at: one picture at a time, covered until it is opened, with what was said of it. */
import type { Child } from "hono/jsx";
import type { PublicationView } from "../../lib/live/publication_view.ts";
import type { PublicationEvent, Report } from "../../lib/publications/publication_store.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { AdminLayout, type Names } from "../admin/layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { CreditWords } from "./credit.tsx";
import { CoveredPicture, publicationPath, ShownPicture } from "./shown_picture.tsx";
import { reasonWords, stateNames } from "./state_words.ts";

/** Admins have it among the pages of the administration; others who moderate have this page alone. */
function Frame({ user, children }: { user: Reader; children: Child }) {
  if (user.role !== "member") {
    return <AdminLayout name="Moderation" user={user} current="/admin/moderation">{children}</AdminLayout>;
  }
  return (
    <Layout title="Moderation" user={user} current="/admin/moderation">
      <div class="heading">
        <h1>Moderation</h1>
      </div>
      {children}
    </Layout>
  );
}

export function ModerationOffPage({ user, returnTo }: { user: Reader; returnTo: string }) {
  return (
    <Frame user={user}>
      <div class="empty">
        <p>
          As a moderator you see what waits, what was reported and what was refused, one picture at a time and
          covered until you open it. Each decision is written down, and its reason goes to the author.
        </p>
        <form method="post" action="/admin/moderation/mode">
          <input type="hidden" name="on" value="1" />
          <input type="hidden" name="return_to" value={returnTo} />
          <button class="primary" type="submit">Start moderating</button>
        </form>
      </div>
    </Frame>
  );
}

export interface ModerationPageProps {
  user: Reader;
  /** Null: nothing waits. */
  shown: ModeratedView | null;
  /** How many wait, this one included; as far as they are counted. */
  waiting: number;
  /** The one after this one, where there is one. */
  nextId: string | null;
  problem?: string;
  fields?: { title?: string; reason?: string };
}

export interface ModeratedView {
  view: PublicationView;
  reports: readonly Report[];
  events: readonly PublicationEvent[];
  names: Names;
  /** It is the moderator's own, and somebody else has to decide. */
  isOthers: boolean;
}

export function ModerationPage({ user, shown, waiting, nextId, problem, fields = {} }: ModerationPageProps) {
  return (
    <Frame user={user}>
      <div class="moderation-bar">
        <p class="muted">{waiting === 0 ? "Nothing waits." : `${plural(waiting, "picture")} to look at.`}</p>
        {nextId && (
          <a class="button quiet" data-moderate="n" href={`/admin/moderation/${nextId}`}>
            Next <kbd>n</kbd>
          </a>
        )}
        <form method="post" action="/admin/moderation/mode">
          <button class="quiet" type="submit">Stop moderating</button>
        </form>
      </div>
      {shown === null
        ? <p class="empty">There is nothing to look at. New pictures and reports come here.</p>
        : <Moderated user={user} shown={shown} problem={problem} fields={fields} />}
    </Frame>
  );
}

function Moderated({ user, shown, problem, fields }: {
  user: Reader;
  shown: ModeratedView;
  problem: string | undefined;
  fields: { title?: string; reason?: string };
}) {
  const { view, reports, events, names, isOthers } = shown;
  const { publication, image, author, request, credit } = view;
  const { id, title, state, isSensitive, appeal, showPrompt, allowRemix } = publication;
  return (
    <article class="print moderated" id="moderated" data-publication={id}>
      <div class="stage">
        {image && (
          <CoveredPicture image={image} words={`Covered. Open it (o)`}>
            <ShownPicture {...{ id, image, title }} />
          </CoveredPicture>
        )}
      </div>
      <div class="about">
        <h2 class="text" dir="auto">{title}</h2>
        <p>
          by <bdi>{author?.name ?? "a deleted account"}</bdi>
          {author?.isDisabled && " (disabled)"}
          {credit && (
            <>
              , <CreditWords credit={credit} />
            </>
          )}
        </p>
        <p>
          <span class={`standing is-${state.toLowerCase()}`}>{stateNames[state]}</span>
          {isSensitive && " · marked as sensitive"}
          {allowRemix && " · may be remixed"}
          {publication.isHiddenByReports && " · hidden by reports"}
        </p>
        {showPrompt && request && (
          <section aria-labelledby="prompt-of">
            <h3 id="prompt-of">Prompt, which is shown</h3>
            <p class="text quoted" dir="auto">{request.text}</p>
          </section>
        )}
        {appeal?.isOpen && (
          <section aria-labelledby="appeal-of">
            <h3 id="appeal-of">Its author appeals</h3>
            <p class="text quoted" dir="auto">{appeal.text}</p>
          </section>
        )}
        {reports.length > 0 && <Reports reports={reports} zone={user.timeZone} />}
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        {isOthers
          ? <p class="said">It is your own: another moderator decides about it.</p>
          : <DecisionForm view={view} fields={fields} />}
        <History events={events} names={names} zone={user.timeZone} />
        <p>
          <a href={publicationPath(id)}>Its page</a>
        </p>
      </div>
    </article>
  );
}

function DecisionForm({ view: { publication, author }, fields }: {
  view: PublicationView;
  fields: { title?: string; reason?: string };
}) {
  const { id, title, revision, isSensitive } = publication;
  const path = `/admin/moderation/${id}`;
  return (
    <>
      <form class="stack decision" method="post" action={path}>
        <input type="hidden" name="revision" value={revision} />
        <div class="field">
          <label for="reason">Reason, for its author</label>
          <textarea id="reason" name="reason" dir="auto" rows={3} maxlength={1000}>
            {fields.reason ?? ""}
          </textarea>
        </div>
        <div class="actions">
          <button class="primary" name="action" value="keep" data-moderate="k" type="submit">
            Keep <kbd>k</kbd>
          </button>
          <button name="action" value="hide" data-moderate="h" type="submit">
            Hide <kbd>h</kbd>
          </button>
          <button class="danger" name="action" value="refuse" data-moderate="r" type="submit">
            Refuse <kbd>r</kbd>
          </button>
          <button
            name="action"
            value={isSensitive ? "not_sensitive" : "sensitive"}
            data-moderate="s"
            type="submit"
          >
            {isSensitive ? "Not sensitive" : "Mark sensitive"} <kbd>s</kbd>
          </button>
        </div>
        <div class="one-field">
          <div class="field">
            <label for="title">Title</label>
            <input
              id="title"
              name="title"
              value={fields.title ?? title}
              dir="auto"
              autocomplete="off"
              maxlength={120}
            />
          </div>
          <button name="action" value="title" type="submit">Edit title</button>
        </div>
      </form>
      {author && author.role !== "owner" && (
        <details class="delete">
          <summary>
            {author.isPublishingStopped ? "Let this person publish" : "Stop this person publishing"}
          </summary>
          <form class="stack" method="post" action={`${path}/stop`}>
            {!author.isPublishingStopped && <input type="hidden" name="stop" value="1" />}
            <div class="field">
              <label for="stop-reason">
                Reason, for <bdi>{author.name}</bdi>
              </label>
              <input id="stop-reason" name="reason" dir="auto" autocomplete="off" maxlength={1000} />
            </div>
            <button class="danger" type="submit">
              {author.isPublishingStopped ? "Let them publish again" : "Stop them"}
            </button>
          </form>
        </details>
      )}
    </>
  );
}

function Reports({ reports, zone }: { reports: readonly Report[]; zone: string | undefined }) {
  return (
    <section aria-labelledby="reports-of">
      <h3 id="reports-of">{plural(reports.length, "report")}</h3>
      <ul class="reports">
        {reports.map(({ reason, reporterId, text, at }) => (
          <li>
            <p>
              {reasonWords[reason]}{" "}
              <span class="muted">
                ({reporterId === null ? "without an account" : "a member"}, <Time at={at} zone={zone} />)
              </span>
            </p>
            {text !== "" && <p class="text quoted" dir="auto">{text}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

const eventWords: { [what in PublicationEvent["what"]]: (event: PublicationEvent) => string } = {
  published: () => "published it as",
  changed: () => "changed it to",
  withdrawn: () => "withdrew it",
  appealed: () => "appealed",
  hidden_by_reports: () => "Reports have hidden it",
  decided: ({ state }) => `decided: ${stateNames[state]}`,
  adjusted: ({ isSensitive }) => `changed what it says${isSensitive ? ", and it is sensitive" : ""}`,
};

function History({ events, names, zone }: {
  events: readonly PublicationEvent[];
  names: Names;
  zone: string | undefined;
}) {
  return (
    <details class="history">
      <summary>History</summary>
      <ol reversed>
        {events.map((event) => (
          <li>
            {event.actorId !== null && <bdi>{names.get(event.actorId) ?? "a deleted account"}</bdi>}{" "}
            {eventWords[event.what](event)}{" "}
            {(event.what === "published" || event.what === "changed" || event.what === "adjusted") && (
              <q dir="auto">{event.title}</q>
            )}{" "}
            <span class="muted">
              <Time at={event.at} zone={zone} />
            </span>
            {event.text && <p class="text quoted" dir="auto">{event.text}</p>}
          </li>
        ))}
      </ol>
    </details>
  );
}
