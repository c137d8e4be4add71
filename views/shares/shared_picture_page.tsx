/** One picture of a link as large as fits, with what its owner lets people know of it. */
import type { SharedPicture } from "../../lib/shares/open_share.ts";
import { anyTitle, SharedLayout } from "./shared_layout.tsx";
import { altOf, MadeWith, SharedImage, type SharedPageProps, Until } from "./shared_pictures.tsx";

export function SharedPicturePage({ share, pictures, shown, address, path, isAlone = false }:
  & SharedPageProps
  & {
    shown: SharedPicture;
    /** It is all that there is. */
    isAlone?: boolean;
  }) {
  const { number } = shown;
  const place = pictures.indexOf(shown);
  const card = {
    title: share.note || anyTitle,
    url: isAlone ? address : `${address}/${number}`,
    image: { url: `${address}/card.jpg${isAlone ? "" : `?number=${number}`}`, alt: altOf(shown) },
  };
  const title = isAlone ? "A picture" : `Picture ${place + 1} of ${pictures.length}`;
  return (
    <SharedLayout {...{ title, card }} live={`${path}/live?number=${number}`}>
      <article class="shown">
        <a class="frame" href={`${path}/file/${number}`}>
          <SharedImage {...{ shown, path }} isFirst />
        </a>
        {!isAlone && <Turn {...{ pictures, place, path }} />}
        <div class="beneath">
          {share.note === ""
            ? <h1 class="unseen">{title}</h1>
            : <h1 class="share-note" dir="auto">{share.note}</h1>}
          {shown.text !== null && <p class="prompt-text" dir="auto">{shown.text}</p>}
          <MadeWith shown={shown} />
          <Downloads {...{ share, shown, path }} />
          <Until share={share} />
          <p class="muted">
            <a href={`${path}/report`}>Report</a>
          </p>
        </div>
      </article>
    </SharedLayout>
  );
}

function Turn({ pictures, place, path }: {
  pictures: readonly SharedPicture[];
  place: number;
  path: string;
}) {
  const [previous, next] = [pictures[place - 1], pictures[place + 1]];
  return (
    <nav class="turn" aria-label="Other pictures">
      {previous && <a class="button quiet" rel="prev" href={`${path}/${previous.number}`}>← Previous</a>}
      <a class="button quiet" rel="up" href={path}>
        {place + 1} of {pictures.length}
        <span class="unseen">, all of them</span>
      </a>
      {next && <a class="button quiet" rel="next" href={`${path}/${next.number}`}>Next →</a>}
    </nav>
  );
}

const copies = [
  { format: "png", name: "PNG" },
  { format: "jpeg", name: "JPEG" },
  { format: "webp", name: "WebP" },
];

function Downloads(
  { share, shown: { number, image }, path }: Pick<SharedPageProps, "share" | "path"> & {
    shown: SharedPicture;
  },
) {
  const hasOriginal = share.allowOriginal && image.userId === share.userId;
  const isRemixable = share.allowRemix && image.userId === share.userId;
  if (!share.allowDownload && !hasOriginal && !isRemixable) return null;
  return (
    <div class="actions">
      {(share.allowDownload || hasOriginal) && <span class="muted">Download</span>}
      {share.allowDownload &&
        copies.map(({ format, name }) => (
          <a class="button quiet" href={`${path}/file/${number}?download=${format}`} download>{name}</a>
        ))}
      {hasOriginal && (
        <a class="button quiet" href={`${path}/file/${number}?original=1`} download>As it was made</a>
      )}
      {isRemixable && (
        <a class="button" href={`/shares/remix?link=${path.slice("/s/".length)}&number=${number}`}>Remix</a>
      )}
    </div>
  );
}
