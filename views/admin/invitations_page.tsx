/** Who was invited, and a form to invite somebody. */
import type { Invitation } from "../../lib/identity/invitation.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout } from "./layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Time } from "../shell/time.tsx";

export function InvitationsPage({ user, invitations, made, problem }: {
  user: User;
  invitations: Invitation[];
  /** One that was just made: its link is shown this once. */
  made?: { name: string; link: string };
  problem?: string;
}) {
  return (
    <AdminLayout name="Invitations" user={user} current="/admin/invitations">
      <div class="part">
        <p>
          Each link makes one person a member, once, within seven days. Afterwards they sign in with a
          passkey.
        </p>
        {made && <Made {...made} />}
        <form class="stack" method="post" action="/admin/invitations">
          <div class="field">
            <label for="name">Whom do you invite?</label>
            <input id="name" name="name" dir="auto" required maxlength={100} autocomplete="off" />
          </div>
          {problem && <ErrorText message={problem} />}
          <button class="primary" type="submit">Make a link</button>
        </form>
        <section aria-labelledby="open">
          <h2 id="open">Open invitations</h2>
          {invitations.length === 0 ? <p class="muted">None</p> : (
            <ul class="rows">
              {invitations.map((invitation) => <Row invitation={invitation} zone={user.timeZone} />)}
            </ul>
          )}
        </section>
      </div>
    </AdminLayout>
  );
}

function Made({ name, link }: { name: string; link: string }) {
  return (
    <div class="once" role="status">
      <p>
        The link for <bdi>{name}</bdi>. It is shown only now:
      </p>
      <p>
        <code id="invitation-link">{link}</code>
      </p>
    </div>
  );
}

function Row({ invitation: { id, name, expiresAt }, zone }: { invitation: Invitation; zone?: string }) {
  return (
    <li>
      <span>
        <bdi>{name}</bdi>{" "}
        <span class="muted">
          until <Time at={expiresAt} zone={zone} />
        </span>
      </span>
      <form method="post" action={`/admin/invitations/${id}/revoke`}>
        <button class="quiet" type="submit" aria-label={`Revoke the invitation for ${name}`}>Revoke</button>
      </form>
    </li>
  );
}
