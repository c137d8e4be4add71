/** The ways to sign in. */
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { PasskeyProblem } from "./passkeys_page.tsx";

export interface LoginPageProps {
  /** Who is signed in already. */
  user: User | null;
  /** Providers to sign in with, each at its path. */
  ways: { name: string; path: string }[];
  /** Whether passkeys can be used at this server's address. */
  hasPasskeys: boolean;
  /** A path of this site, to go to afterwards. */
  returnTo: string;
  problem: string | null;
}

export function LoginPage({ user, ways, hasPasskeys, returnTo, problem }: LoginPageProps) {
  return (
    <Layout title="Sign in" user={user}>
      <div class="sheet">
        <h1>Sign in</h1>
        {problem && <ErrorText message={problem} />}
        {ways.length > 0 && (
          <ul class="ways">
            {ways.map(({ name, path }, index) => (
              <li>
                <a class={index === 0 ? "button primary" : "button"} href={path}>Continue with {name}</a>
              </li>
            ))}
          </ul>
        )}
        {hasPasskeys && (
          <div class="ways">
            <form data-passkey="sign-in" data-return-to={returnTo} hidden>
              <button type="submit">Continue with a passkey</button>
            </form>
            <PasskeyProblem />
          </div>
        )}
        <section aria-labelledby="owner">
          <h2 id="owner">The owner's link</h2>
          <p>
            The owner can always sign in with a link that works once, for 15 minutes. It comes from the folder
            that Darkroom runs in:
          </p>
          <pre><code>deno task login</code></pre>
          <p class="muted">
            Programs use an API key instead: <code>deno task key --name laptop</code>
          </p>
        </section>
      </div>
    </Layout>
  );
}
