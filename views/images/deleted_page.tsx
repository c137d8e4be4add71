/** The last thing that somebody sees of their account. */
import { Layout } from "../shell/layout.tsx";

export function DeletedPage() {
  return (
    <Layout title="Account deleted" user={null}>
      <div class="sheet">
        <h1>Your account is deleted</h1>
        <p>You are signed out everywhere. Your prompts and pictures are being removed now.</p>
        <p>
          <a class="button" href="/">To the start</a>
        </p>
      </div>
    </Layout>
  );
}
