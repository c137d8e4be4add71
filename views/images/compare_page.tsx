/** Two pictures against each other: side by side, or one over the other with a slider between them. */
import type { ImageView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { duration, money, size } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Picture } from "./picture.tsx";

export function ComparePage({ user, cursor, pair }: {
  user: User;
  cursor: string;
  pair: [ImageView, ImageView];
}) {
  const [left, right] = pair;
  return (
    <Layout title="Compare" user={user} current="/gallery" live={{ page: "other", cursor }}>
      <div class="heading">
        <h1>Compare</h1>
        <a class="button quiet" href={`/compare?images=${right.image.id},${left.image.id}`}>Swap</a>
        <a class="button quiet" href="/gallery">Gallery</a>
      </div>
      <div id="compare" class="compare">
        <Side view={left} />
        <Side view={right} />
      </div>
      <label id="compare-slider" class="slider" hidden>
        How much of the second picture covers the first
        <input type="range" min="0" max="100" value="50" />
      </label>
    </Layout>
  );
}

function Side({ view: { image, prompt, costMicros, durationMs } }: { view: ImageView }) {
  const { text, imageSize } = prompt.request;
  return (
    <figure>
      <a href={`/images/${image.id}`}>
        <Picture image={image} text={text} />
      </a>
      <figcaption>
        <p class="text" dir="auto">{text}</p>
        <p class="facts">
          <span>{image.model}</span>
          <span>{size(imageSize)}</span>
          {durationMs !== null && <span>{duration(durationMs)}</span>}
          {costMicros !== null && <span>{money(costMicros)}</span>}
        </p>
      </figcaption>
    </figure>
  );
}
