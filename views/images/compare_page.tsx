/** Two pictures against each other: side by side, or one over the other with a slider between them. */
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { duration, money, size } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Picture } from "./picture.tsx";

export function ComparePage({ user, cursor, pair }: {
  user: User;
  cursor: string;
  pair: [PictureView, PictureView];
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

function Side({ view }: { view: PictureView }) {
  const { image, text } = view;
  return (
    <figure>
      <a href={`/images/${image.id}`}>
        <Picture image={image} text={text} />
      </a>
      <figcaption>
        <p class="text" dir="auto">{text}</p>
        <p class="facts">
          {view.prompt === null ? <span>uploaded</span> : <span>{view.image.model}</span>}
          <span>{size(`${image.width}x${image.height}`)}</span>
          {view.prompt !== null && view.durationMs !== null && <span>{duration(view.durationMs)}</span>}
          {view.prompt !== null && view.costMicros !== null && <span>{money(view.costMicros)}</span>}
        </p>
      </figcaption>
    </figure>
  );
}
