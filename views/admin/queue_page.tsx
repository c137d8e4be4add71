/** What runs, waits, is to be tried again and is paused: whose and since when, never their words. */
import type { Provider } from "../../lib/catalog/provider.ts";
import type { Pause } from "../../lib/prompts/pause.ts";
import type { QueueView } from "../../lib/work/queue_view.ts";
import type { HookCounts } from "../../lib/hooks/count_hooks.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout, type Names } from "./layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

export function AdminQueuePage({ user, queue, hooks, names, isBusy, providers, problem }: {
  user: User;
  queue: QueueView;
  hooks: HookCounts;
  names: Names;
  isBusy: boolean;
  providers: readonly Pick<Provider, "id" | "name">[];
  problem: string | null;
}) {
  const { running, waiting, delayed, pauses } = queue;
  const pausedAs = (scope: Pause["scope"], provider?: string) =>
    pauses.find((pause) => pause.scope === scope && (provider === undefined || pause.id === provider));
  const nameOf = (userId: string) => names.get(userId) ?? "a deleted account";
  return (
    <AdminLayout name="Queue" user={user} current="/admin/queue">
      {problem && <ErrorText message={problem} />}
      <div class="board">
        <section aria-labelledby="pauses">
          <h2 id="pauses">Pause</h2>
          <p class="muted">
            What runs goes on, nothing more starts, and everybody reads why.
          </p>
          <PauseRow name="Everything" pause={pausedAs("all")} {...{ user, names }} />
          {providers.map(({ id, name }) => (
            <PauseRow name={name} provider={id} pause={pausedAs("provider", id)} {...{ user, names }} />
          ))}
        </section>
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
            {waiting.map(({ userId, count, isPaused }) => (
              <li>{nameOf(userId)}: {count}{isPaused && ", paused by themselves"}</li>
            ))}
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
        <Webhooks {...hooks} />
        {isBusy && <a class="button" href="/admin/queue">Look again</a>}
      </div>
    </AdminLayout>
  );
}

/** How many there are and how they do; whose they are and where they lead is nothing to admins. */
function Webhooks({ hooks, switchedOff, failing, waiting, givenUp }: HookCounts) {
  return (
    <section aria-labelledby="webhooks">
      <h2 id="webhooks">{plural(hooks, "webhook")}</h2>
      {hooks > 0 && (
        <ul class="plain">
          <li>{switchedOff} switched off</li>
          <li>{failing} of which the latest delivery failed</li>
          <li>{plural(waiting, "delivery", "deliveries")} waiting</li>
          <li>{plural(givenUp, "delivery", "deliveries")} of the last week given up</li>
        </ul>
      )}
    </section>
  );
}

/** What is paused, with a button to go on; or a form to pause it with. */
function PauseRow({ name, provider = "", pause, user, names }: {
  name: string;
  /** Its id; none: everything. */
  provider?: string;
  pause: Pause | undefined;
  user: User;
  names: Names;
}) {
  const fieldId = `reason-${provider || "all"}`;
  return (
    <form class="row pause" method="post" action="/admin/queue">
      <input type="hidden" name="provider" value={provider} />
      <input type="hidden" name="paused" value={pause === undefined ? "true" : "false"} />
      {pause === undefined
        ? (
          <>
            <div class="field">
              <label for={fieldId}>{name}: why it is paused</label>
              <input id={fieldId} name="reason" required maxlength={200} dir="auto" autocomplete="off" />
            </div>
            <button type="submit">Pause {provider === "" ? "everything" : name}</button>
          </>
        )
        : (
          <>
            <p>
              {name} is paused: {pause.reason}{" "}
              <span class="muted">
                by {names.get(pause.by) ?? "a deleted account"}, <Time at={pause.at} zone={user.timeZone} />
              </span>
            </p>
            <button type="submit" class="primary">Resume {provider === "" ? "everything" : name}</button>
          </>
        )}
    </form>
  );
}
