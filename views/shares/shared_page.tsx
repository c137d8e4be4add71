/** All pictures of a link, for people without an account. */
import { plural } from "../shell/format.ts";
import { anyTitle, SharedLayout } from "./shared_layout.tsx";
import { altOf, MadeWithAll, SharedImage, type SharedPageProps, Until } from "./shared_pictures.tsx";

/** So many are seen before anybody scrolls. */
const seenAtOnce = 6;

export function SharedPage({ share, pictures, address, path }: SharedPageProps) {
  const [first] = pictures;
  const title = share.note || anyTitle;
  const alt = first === undefined ? "Darkroom" : altOf(first);
  const card = { title, url: address, image: { url: `${address}/card.jpg`, alt } };
  return (
    <SharedLayout title={plural(pictures.length, "picture")} card={card} live={`${path}/live`}>
      <div class="shared">
        <header>
          <h1 class="share-note" dir="auto">{share.note || plural(pictures.length, "picture")}</h1>
          {share.note !== "" && <p class="muted">{plural(pictures.length, "picture")}</p>}
        </header>
        {pictures.length === 0
          ? <p class="empty">There is nothing here yet. What is put here appears as soon as you come back.</p>
          : (
            <ul class="wall">
              {pictures.map((shown, i) => (
                <li>
                  <a href={`${path}/${shown.number}`}>
                    <SharedImage {...{ shown, path }} query="?width=640" isFirst={i < seenAtOnce} />
                  </a>
                </li>
              ))}
            </ul>
          )}
        <footer>
          <MadeWithAll pictures={pictures} />
          <Until share={share} />
          <p class="muted">
            <a href={`${path}/report`}>Report</a>
          </p>
        </footer>
      </div>
    </SharedLayout>
  );
}
