/** The front of the studio: what its people show to everybody. */
import type { PublicationView } from "../../lib/live/publication_view.ts";
import type { GalleryOrder } from "../../lib/publications/gallery.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { CardTags } from "../shell/card_tags.tsx";
import type { Pagination } from "../json/pagination_json.ts";
import { Layout } from "../shell/layout.tsx";
import { Tabs } from "../shell/tabs.tsx";
import { ExploreTile, publicationPath } from "./shown_picture.tsx";

const tabs = [
  { href: "/explore", name: "Newest" },
  { href: "/explore?sort=remixed", name: "Most remixed" },
];

const nothingWords: { [order in GalleryOrder]: string } = {
  newest: "Nothing is shown here yet. Pictures are published on their own pages, by whoever made them.",
  remixed: "Nothing was remixed in the past thirty days.",
};

export function ExplorePage({ user, order, views, pagination, publicUrl }: {
  user: Reader | null;
  order: GalleryOrder;
  views: readonly PublicationView[];
  pagination: Pagination;
  publicUrl: string;
}) {
  const path = order === "newest" ? tabs[0].href : tabs[1].href;
  const first = views.find(({ publication }) => !publication.isSensitive);
  const card = first && {
    title: "Pictures made with Darkroom",
    url: `${publicUrl}/explore`,
    image: {
      url: `${publicUrl}${publicationPath(first.publication.id)}/card.jpg`,
      alt: first.publication.title,
    },
  };
  const more = pagination.next &&
    `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(pagination.next)}`;
  return (
    <Layout title="Explore" user={user} current="/explore" hasGallery head={card && <CardTags {...card} />}>
      <div class="heading">
        <h1>Explore</h1>
      </div>
      <Tabs name="Order" tabs={tabs} current={path} />
      {views.length === 0
        ? (
          <div class="empty">
            <p>{nothingWords[order]}</p>
            {order === "newest"
              ? user !== null && <a class="button primary" href="/gallery">Choose one of your pictures</a>
              : <a class="button primary" href="/explore">The newest</a>}
          </div>
        )
        : <ul class="explore">{views.map((view) => <ExploreTile view={view} />)}</ul>}
      <nav class="more" aria-label="More">
        {pagination.offset > 0 && <a class="button quiet" href={path}>From the start</a>}
        {more && <a class="button" rel="next" href={more}>More pictures</a>}
      </nav>
    </Layout>
  );
}
