/** A person's webhooks, and a form for another one. */
import type { Hook } from "../../lib/hooks/hook.ts";
import type { User } from "../../lib/users/user.ts";
import { ProfileLayout } from "../people/profile_layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Records } from "../shell/records.tsx";
import { HookFields, type HookFieldValues } from "./hook_fields.tsx";

const usual: HookFieldValues = {
  url: "",
  events: ["prompt.completed", "prompt.failed"],
  includeText: false,
};

export function HooksPage({ user, hooks, problem, fields = usual }: {
  user: User;
  hooks: readonly Hook[];
  problem?: string;
  fields?: HookFieldValues;
}) {
  return (
    <ProfileLayout name="Webhooks" user={user} current="/profile/webhooks">
      <p class="muted">
        A webhook tells a program of yours what happens here: each message is signed, and sent again until it
        was received. How to check the signature: standardwebhooks.com.
      </p>
      <div class="panels">
        {hooks.length > 0 && (
          <section class="panel" aria-labelledby="own-hooks">
            <h2 id="own-hooks">Yours</h2>
            <Records columns={["Address", "Told of", "State"]}>
              {hooks.map((hook) => (
                <tr data-hook-id={hook.id}>
                  <th scope="row">
                    <a href={`/profile/webhooks/${hook.id}`}>{shortUrl(hook.url)}</a>
                  </th>
                  <td data-name="Told of">{hook.events.join(", ")}</td>
                  <td data-name="State">
                    <HookState hook={hook} />
                  </td>
                </tr>
              ))}
            </Records>
          </section>
        )}
        <section class="panel" aria-labelledby="new-hook">
          <h2 id="new-hook">New webhook</h2>
          <form class="stack" method="post" action="/profile/webhooks">
            {problem && <ErrorText message={problem} />}
            <HookFields {...fields} />
            <button type="submit">Create webhook</button>
          </form>
        </section>
      </div>
    </ProfileLayout>
  );
}

export function HookState({ hook: { state, failingSince } }: { hook: Hook }) {
  if (state === "OFF") return <span class="status cancelled">off</span>;
  return failingSince === null
    ? <span class="status completed">on</span>
    : <span class="status failed">not received</span>;
}

/** Without what everybody knows. */
export function shortUrl(url: string): string {
  return url.replace(/^https:\/\//, "").replace(/\/$/, "");
}
