/** The reader's passkeys. */
import type { Passkey } from "../../lib/identity/passkey.ts";
import type { User } from "../../lib/users/user.ts";
import { assets } from "../shell/assets.ts";
import { ProfileLayout } from "./profile_layout.tsx";
import { Time } from "../shell/time.tsx";

export function PasskeysPage(
  { user, passkeys, isAvailable }: { user: User; passkeys: Passkey[]; isAvailable: boolean },
) {
  return (
    <ProfileLayout name="Passkeys" user={user} current="/profile/passkeys">
      <div class="part">
        <p>
          A passkey signs you in with your fingerprint, face or PIN. It stays in your device, and nothing
          secret of it is kept here.
        </p>
        <section aria-labelledby="yours">
          <h2 id="yours">Yours</h2>
          {passkeys.length === 0 ? <p class="muted">None yet</p> : (
            <ul class="rows">
              {passkeys.map((passkey) => <Row passkey={passkey} zone={user.timeZone} />)}
            </ul>
          )}
        </section>
        {isAvailable ? <Add /> : (
          <p class="muted">
            Browsers offer passkeys where Darkroom is reached by https and a name; here it is not.
          </p>
        )}
      </div>
    </ProfileLayout>
  );
}

function Row(
  { passkey: { id, name, createdAt, lastUsedAt }, zone }: { passkey: Passkey; zone?: string },
) {
  return (
    <li>
      <span>
        <bdi>{name}</bdi>{" "}
        <span class="muted">
          added <Time at={createdAt} zone={zone} />, {lastUsedAt === null ? "never used" : (
            <>
              used <Time at={lastUsedAt} zone={zone} />
            </>
          )}
        </span>
      </span>
      <details class="delete">
        <summary>
          Remove<span class="unseen">{name}</span>
        </summary>
        <form method="post" action={`/profile/passkeys/${id}/remove`}>
          <p>It will not sign you in any more. Open sessions stay.</p>
          <button class="danger" type="submit">Remove {name}</button>
        </form>
      </details>
    </li>
  );
}

function Add() {
  return (
    <section aria-labelledby="add">
      <h2 id="add">Add one</h2>
      <form class="stack" data-passkey="register" hidden>
        <div class="field">
          <label for="passkey-name">What is it called?</label>
          <input id="passkey-name" name="name" dir="auto" required maxlength={100} autocomplete="off" />
          <p class="muted">Such as “This laptop” or “Phone”.</p>
        </div>
        <button class="primary" type="submit">Add a passkey</button>
      </form>
      <PasskeyProblem />
    </section>
  );
}

/** Where the script says what is wrong; without it, that it is needed. */
export function PasskeyProblem() {
  return (
    <>
      <p id="passkey-problem" class="error problem" role="alert"></p>
      <noscript>
        <p class="muted">Passkeys need JavaScript.</p>
      </noscript>
      <script src={assets.passkeys.path} defer></script>
    </>
  );
}
