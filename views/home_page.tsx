/** What Darkroom is, for whoever is not signed in. */
import { Layout } from "./layout.tsx";

export function HomePage() {
  return (
    <Layout title="A studio for generated images" user={null}>
      <div class="sheet hero">
        <h1>A darkroom for generated images</h1>
        <p>
          Type what you want to see, watch it develop, and know to the micro-dollar what it cost. Darkroom
          runs on your own machine and keeps prompts, pictures and books there.
        </p>
        <ul class="promises">
          <li>Nothing accepted is lost, nothing is paid for twice, and the books balance.</li>
          <li>The price is known before, the cost after. Budgets hold.</li>
          <li>Everything is live, and works without scripts too.</li>
        </ul>
        <p>
          <a class="button primary" href="/login">Sign in</a>
        </p>
      </div>
    </Layout>
  );
}
