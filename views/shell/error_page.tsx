/** What went wrong, in the look of everything else. */
import type { User } from "../../lib/users/user.ts";
import { Layout } from "./layout.tsx";

export function ErrorPage(
  { status, message, requestId, user }: {
    status: number;
    message: string;
    requestId: string;
    user: User | null;
  },
) {
  const isMissing = status === 404;
  return (
    <Layout title={isMissing ? "Not found" : "Something is wrong"} user={user}>
      <div class="sheet">
        <h1>{isMissing ? "There is nothing here" : message}</h1>
        <p>
          {isMissing
            ? "The address is wrong, or what it named is gone."
            : status >= 500
            ? "It was written down. Try again; if it stays, tell whoever runs this server."
            : "Go back and change what you sent."}
        </p>
        <p>
          <a class="button" href="/">To the start</a>
        </p>
        <p class="muted">
          Request <code>{requestId}</code>
        </p>
      </div>
    </Layout>
  );
}
