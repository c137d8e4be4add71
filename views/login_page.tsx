/** The ways to sign in. */
import { ErrorText } from "./error_text.tsx";
import { Layout } from "./layout.tsx";

export function LoginPage({ problem }: { problem: string | null }) {
  return (
    <Layout title="Sign in" user={null}>
      <div class="sheet">
        <h1>Sign in</h1>
        {problem && <ErrorText message={problem} />}
        <p>
          The owner signs in with a link that works once, for 15 minutes. Darkroom prints one when it starts;
          a fresh one comes from the folder it runs in:
        </p>
        <pre><code>deno task login</code></pre>
        <p class="muted">
          Programs use an API key instead: <code>deno task key --name laptop</code>
        </p>
      </div>
    </Layout>
  );
}
