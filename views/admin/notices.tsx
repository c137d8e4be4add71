/** What admins have to do something about, and a way to put it away. */
import type { AdminNotice } from "../../lib/operation/admin_notices.ts";

export function AdminNotices({ notices }: { notices: readonly AdminNotice[] }) {
  if (notices.length === 0) return null;
  return (
    <section aria-labelledby="to-do">
      <h2 id="to-do">To do</h2>
      {notices.map(({ id, words, advice, href }) => (
        <div class="caution">
          <p>
            {words} <span class="muted">{advice}</span>
          </p>
          <p>
            <a href={href}>See more</a>
          </p>
          <form method="post" action="/admin/notices/put-away">
            <input type="hidden" name="id" value={id} />
            <button class="quiet" type="submit">
              Put away <span class="unseen">{words}</span>
            </button>
          </form>
        </div>
      ))}
    </section>
  );
}
