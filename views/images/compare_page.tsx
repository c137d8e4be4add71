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
  const isChange = isMadeFrom(left, right) || isMadeFrom(right, left);
  const title = isChange ? "Before and after" : "Compare";
  return (
    <Layout title={title} user={user} current="/gallery" live={{ page: "other", cursor }}>
      <div class="heading">
        <h1>{title}</h1>
        <a class="button quiet" href={`/compare?images=${right.image.id},${left.image.id}`}>Swap</a>
        <a class="button quiet" href="/gallery">Gallery</a>
      </div>
      <div id="compare" class="compare">
        <Side view={left} label={isChange ? labelOf(left, right) : null} />
        <Side view={right} label={isChange ? labelOf(right, left) : null} />
      </div>
      <label id="compare-slider" class="slider" hidden>
        How much of the second picture covers the first
        <input type="range" min="0" max="100" value="50" />
      </label>
    </Layout>
  );
}

/** The one was changed into the other, or shown to the model for it. */
function isMadeFrom({ prompt }: PictureView, { image }: PictureView): boolean {
  return prompt?.request.edit?.sources.some(({ imageId }) => imageId === image.id) ?? false;
}

function labelOf(view: PictureView, other: PictureView): string {
  return isMadeFrom(view, other) ? "After" : "Before";
}

function Side({ view, label }: { view: PictureView; label: string | null }) {
  const { image, text } = view;
  return (
    <figure>
      <a href={`/images/${image.id}`}>
        <Picture image={image} text={text} />
      </a>
      <figcaption>
        {label && <p class="when">{label}</p>}
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
