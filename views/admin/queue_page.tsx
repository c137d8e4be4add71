/** What runs, waits and is to be tried again: whose and since when, never their words. */
import type { QueueView } from "../../lib/work/queue_view.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout, type Names } from "./layout.tsx";
import { plural } from "../shell/format.ts";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

export function AdminQueuePage({ user, queue, names, isBusy }: {
  user: User;
  queue: QueueView;
  names: Names;
  isBusy: boolean;
}) {
  const { running, waiting, delayed } = queue;
  const nameOf = (userId: string) => names.get(userId) ?? "a deleted account";
  return (
    <AdminLayout name="Queue" user={user} current="/admin/queue">
      <div class="board">
        <section aria-labelledby="running">
          <h2 id="running">{plural(running.length, "prompt")} running</h2>
          {running.length > 0 && (
            <Records columns={["User", "Model", "Accepted"]}>
              {running.map(({ userId, model, since, isCancelled }) => (
                <tr>
                  <th scope="row">{nameOf(userId)}</th>
                  <td data-name="Model">{model}{isCancelled && ", cancelled and not billed yet"}</td>
                  <td data-name="Accepted">
                    <Time at={since} zone={user.timeZone} />
                  </td>
                </tr>
              ))}
            </Records>
          )}
        </section>
        <section aria-labelledby="waiting">
          <h2 id="waiting">
            {plural(waiting.reduce((sum, { count }) => sum + count, 0), "prompt")} waiting
          </h2>
          <ul class="plain">
            {waiting.map(({ userId, count }) => <li>{nameOf(userId)}: {count}</li>)}
          </ul>
        </section>
        <section aria-labelledby="delayed">
          <h2 id="delayed">{plural(delayed.length, "prompt")} to be tried again</h2>
          <ul class="plain">
            {delayed.map(({ readyAt }) => (
              <li>
                <Time at={readyAt} zone={user.timeZone} />
              </li>
            ))}
          </ul>
        </section>
        {isBusy && <a class="button" href="/admin/queue">Look again</a>}
      </div>
    </AdminLayout>
  );
}
