/** Saying that something is wrong with what a link shows, without an account. */
import { ErrorText } from "../shell/error_text.tsx";
import { SharedLayout } from "./shared_layout.tsx";

export function ReportSharePage({ path, reasons, isSent = false, problem }: {
  path: string;
  reasons: readonly { reason: string; words: string }[];
  isSent?: boolean;
  problem?: string;
}) {
  return (
    <SharedLayout title="Report">
      {isSent
        ? (
          <div class="sheet">
            <h1>Thank you</h1>
            <p class="muted">Whoever runs this server and whoever shares this were told, and not by whom.</p>
            <a class="button" href={path}>Back</a>
          </div>
        )
        : (
          <form class="locked" method="post" action={`${path}/report`}>
            <h1>What is wrong with this?</h1>
            <div class="field">
              <label for="reason">Reason</label>
              <select id="reason" name="reason" required>
                <option value="">Choose one</option>
                {reasons.map(({ reason, words }) => <option value={reason}>{words}</option>)}
              </select>
            </div>
            <div class="field">
              <label for="text">More, if you like</label>
              <textarea id="text" name="text" dir="auto" rows={4} maxlength={1000}></textarea>
            </div>
            <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
            <p class="muted">Whoever runs this server and whoever shares this are told, and not by whom.</p>
            <div class="actions">
              <button class="primary" type="submit">Report</button>
              <a class="button quiet" href={path}>Back</a>
            </div>
          </form>
        )}
    </SharedLayout>
  );
}
