/** One webhook: what it is told, its secret, and what was sent to it. */
import type { Delivery } from "../../lib/hooks/delivery.ts";
import type { Hook } from "../../lib/hooks/hook.ts";
import type { User } from "../../lib/users/user.ts";
import { ProfileLayout } from "../people/profile_layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";
import { HookFields } from "./hook_fields.tsx";
import { HookState, shortUrl } from "./hooks_page.tsx";

export interface HookPageProps {
  user: User;
  hook: Hook;
  /** The newest first. */
  deliveries: readonly Delivery[];
  hasOlder: boolean;
  /** It was just made: shown now and never again. */
  secret?: string;
  problem?: string;
}

export function HookPage({ user, hook, deliveries, hasOlder, secret, problem }: HookPageProps) {
  const path = `/profile/webhooks/${hook.id}`;
  return (
    <ProfileLayout name="Webhook" user={user} current="/profile/webhooks">
      <div class="panels">
        <section class="panel" aria-labelledby="hook-name">
          <h2 id="hook-name" class="address">{shortUrl(hook.url)}</h2>
          <p>
            <HookState hook={hook} />
            {hook.offReason && <span class="muted">It was switched off by itself: {hook.offReason}.</span>}
          </p>
          {problem && <ErrorText message={problem} />}
          {secret !== undefined && (
            <div class="new-key" role="status">
              <p>Copy the secret that signs what is sent. It can't be shown again.</p>
              <pre tabindex={0} aria-label="Secret"><code id="hook-secret">{secret}</code></pre>
            </div>
          )}
          <div class="actions">
            <Act path={`${path}/test`} name="Send a test" />
            {hook.state === "ON"
              ? <Act path={`${path}/off`} name="Switch off" />
              : <Act path={`${path}/on`} name="Switch on" />}
          </div>
        </section>
        <section class="panel" aria-labelledby="deliveries">
          <h2 id="deliveries">Sent</h2>
          <Deliveries user={user} path={path} deliveries={deliveries} />
          {hasOlder && (
            <p>
              <a class="button" href={`${path}?before=${deliveries.at(-1)?.id}`}>Older ones</a>
            </p>
          )}
        </section>
        <section class="panel" aria-labelledby="change-hook">
          <h2 id="change-hook">Change</h2>
          <form class="stack" method="post" action={path}>
            <HookFields {...hook} />
            <button type="submit">Save</button>
          </form>
        </section>
        <section class="panel" aria-labelledby="hook-secret-name">
          <h2 id="hook-secret-name">Secret</h2>
          <p>
            With a new secret the one before goes on signing for a day, so that nothing is lost meanwhile.
          </p>
          <Act path={`${path}/rotate`} name="Make a new secret" />
        </section>
        <section class="panel" aria-labelledby="delete-hook">
          <h2 id="delete-hook">Delete</h2>
          <p>What still waits for it is sent no more.</p>
          <form method="post" action={`${path}/delete`}>
            <button class="danger" type="submit">Delete this webhook</button>
          </form>
        </section>
      </div>
    </ProfileLayout>
  );
}

function Act({ path, name }: { path: string; name: string }) {
  return (
    <form method="post" action={path}>
      <button type="submit">{name}</button>
    </form>
  );
}

const stateFaces = {
  WAITING: { name: "waiting", face: "pending" },
  DELIVERED: { name: "received", face: "completed" },
  FAILED: { name: "given up", face: "failed" },
} as const;

function Deliveries(
  { user, path, deliveries }: { user: User; path: string; deliveries: readonly Delivery[] },
) {
  if (deliveries.length === 0) {
    return <p class="muted">Nothing was sent yet. What was is kept for thirty days.</p>;
  }
  return (
    <Records columns={["What", "When", "Attempts", "State"]} hasActions>
      {deliveries.map(({ id, type, at, attempts, state, dueAt }) => (
        <tr data-delivery-id={id}>
          <th scope="row">{type}</th>
          <td data-name="When">
            <Time at={at} zone={user.timeZone} />
          </td>
          <td data-name="Attempts">
            {attempts.length === 0
              ? "none yet"
              : attempts.map(({ status }) => status ?? "no answer").join(", ")}
          </td>
          <td data-name="State">
            <span class={`status ${stateFaces[state].face}`}>{stateFaces[state].name}</span>
            {dueAt !== null && attempts.length > 0 && (
              <span class="muted">
                next <Time at={dueAt} zone={user.timeZone} />
              </span>
            )}
          </td>
          <td class="acts">
            {state !== "WAITING" && <Act path={`${path}/deliveries/${id}/again`} name="Send again" />}
          </td>
        </tr>
      ))}
    </Records>
  );
}
