/** What an invitation's link opens. Looking at it uses nothing up: previews of links do that too. */
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";

export function JoinPage({ user, code, name, problem }: {
  /** Who is signed in already. */
  user: User | null;
  /** Null: the invitation is not open. */
  code: string | null;
  name?: string;
  problem?: string;
}) {
  return (
    <Layout title="Join" user={user}>
      <div class="sheet">
        {code === null ? <Closed /> : <Form code={code} name={name} problem={problem} />}
      </div>
    </Layout>
  );
}

function Form({ code, name, problem }: { code: string; name?: string; problem?: string }) {
  return (
    <>
      <h1>You are invited</h1>
      <p>
        Darkroom makes pictures from words. Say what you want to be called, and you are in; then add a
        passkey, so that you can come back.
      </p>
      <form class="stack" method="post" action="/join">
        <input type="hidden" name="code" value={code} />
        <div class="field">
          <label for="name">Your name</label>
          <input id="name" name="name" value={name} dir="auto" required maxlength={100} autocomplete="name" />
        </div>
        {problem && <ErrorText message={problem} />}
        <button class="primary" type="submit">Join</button>
      </form>
    </>
  );
}

function Closed() {
  return (
    <>
      <h1>This invitation is not open</h1>
      <p>It was used before, is older than seven days, or was revoked. Ask for a new one.</p>
      <p>
        <a class="button" href="/login">Sign in</a>
      </p>
    </>
  );
}
