/** Reporting a picture of the public gallery, and asking what came of it. */
import type { PublicationView } from "../../lib/live/publication_view.ts";
import type { ReportReason } from "../../lib/publications/publication.ts";
import type { ReportState } from "../../lib/publications/report.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { publicationPath } from "./shown_picture.tsx";
import { reasonWords } from "./state_words.ts";

export function ReportPage({ user, view: { publication }, fields, problem }: {
  user: Reader | null;
  view: PublicationView;
  fields: { reason?: string; text?: string };
  problem?: string;
}) {
  const path = publicationPath(publication.id);
  return (
    <Layout title="Report a picture" user={user} hasGallery>
      <div class="sheet">
        <h1>Report a picture</h1>
        <p>
          It is about{" "}
          <a href={path} dir="auto">{publication.title}</a>. A moderator looks at what you say; its author
          does not learn who said it.
        </p>
        <form class="stack" method="post" action={`${path}/report`}>
          <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
          <fieldset class="field reasons">
            <legend>What is wrong with it?</legend>
            {(Object.keys(reasonWords) as ReportReason[]).map((reason) => (
              <label class="check">
                <input
                  type="radio"
                  name="reason"
                  value={reason}
                  required
                  checked={fields.reason === reason}
                />
                <span>{reasonWords[reason]}</span>
              </label>
            ))}
          </fieldset>
          <div class="field">
            <label for="text">What should the moderator know?</label>
            <textarea id="text" name="text" dir="auto" rows={4} maxlength={1000}>
              {fields.text ?? ""}
            </textarea>
          </div>
          <div class="actions">
            <button class="primary" type="submit">Report</button>
            <a class="button quiet" href={path}>Back</a>
          </div>
        </form>
      </div>
    </Layout>
  );
}

const outcomes = {
  SHOWN: "A moderator has looked at it, and keeps it.",
  REFUSED: "A moderator has looked at it, and it is not shown any more.",
  HIDDEN: "A moderator has looked at it, and it is not shown any more.",
  GONE: "It is not there any more: its author has withdrawn it.",
};

export function ReportStatePage({ user, state: { report, outcome, decidedAt }, isNew }: {
  user: Reader | null;
  state: ReportState;
  isNew: boolean;
}) {
  return (
    <Layout title="Your report" user={user} hasGallery>
      <div class="sheet">
        <h1>{isNew ? "Thank you. It is reported" : "Your report"}</h1>
        <p>{outcome === null ? "No moderator has looked at it yet." : outcomes[outcome]}</p>
        <dl class="facts-list">
          <div>
            <dt>Reason</dt>
            <dd>{reasonWords[report.reason]}</dd>
          </div>
          <div>
            <dt>Reported</dt>
            <dd>
              <Time at={report.at} zone={user?.timeZone} />
            </dd>
          </div>
          {decidedAt !== null && (
            <div>
              <dt>Decided</dt>
              <dd>
                <Time at={decidedAt} zone={user?.timeZone} />
              </dd>
            </div>
          )}
        </dl>
        <p>
          To ask again, keep the address of this page, or the id <code>{report.id}</code>.
        </p>
        <p>
          <a class="button" href="/explore">All pictures</a>
        </p>
      </div>
    </Layout>
  );
}
