/** Before the password: it says that one is needed, and nothing of what is behind it. */
import { ErrorText } from "../shell/error_text.tsx";
import { anyTitle, SharedLayout } from "./shared_layout.tsx";

export function LockedPage({ address, path, problem }: {
  /** Of the share, absolute. */
  address: string;
  path: string;
  /** Why it did not open. */
  problem?: string;
}) {
  const card = { title: anyTitle, url: address, image: { url: `${address}/card.jpg`, alt: "Darkroom" } };
  return (
    <SharedLayout title="A password is needed" card={card}>
      <form class="locked" method="post" action={path}>
        <h1>A password is needed</h1>
        <p class="muted">Whoever gave you this link can tell you.</p>
        <div class="field">
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="off"
            required
            autofocus
            aria-invalid={problem && "true"}
            aria-describedby={problem && "problem"}
          />
        </div>
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <button class="primary" type="submit">Open</button>
      </form>
    </SharedLayout>
  );
}
