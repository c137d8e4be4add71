/** What Darkroom is, for whoever is not signed in. */
import { Layout } from "./layout.tsx";
import { Paintings } from "./paintings.tsx";

/** What is typed here is in the generator's form after signing in. */
export function HomePage({ maxChars, hasGallery }: { maxChars: number; hasGallery: boolean }) {
  return (
    <Layout title="A studio for generated images" user={null} hasGallery={hasGallery}>
      <div class="front">
        <div class="claim">
          <h1>A darkroom for generated images</h1>
          <p>
            Type what you want to see, watch it develop, and know to the micro-dollar what it cost. Darkroom
            runs on your own machine and keeps prompts, pictures and books there.
          </p>
        </div>
        <Paintings />
        <form class="first-prompt" method="get" action="/generator">
          <label for="first-prompt">What do you want to see?</label>
          <textarea
            id="first-prompt"
            name="prompt"
            dir="auto"
            rows={3}
            maxlength={maxChars}
            autocomplete="off"
          >
          </textarea>
          <button class="primary" type="submit">Sign in and generate</button>
        </form>
        <ul class="promises">
          <li>Nothing accepted is lost, nothing is paid for twice, and the books balance.</li>
          <li>The price is known before, the cost after. Budgets hold.</li>
          <li>Everything is live, and works without scripts too.</li>
        </ul>
      </div>
    </Layout>
  );
}
