/** Shared pictures and what is said of them; none of it names the picture's record. */
import type { SharedPicture } from "../../lib/shares/open_share.ts";
import type { Share } from "../../lib/shares/share.ts";
import { Tint } from "../images/picture.tsx";
import { Time } from "../shell/time.tsx";

export interface SharedPageProps {
  share: Share;
  pictures: readonly SharedPicture[];
  /** Of the share, absolute, and its path. */
  address: string;
  path: string;
}

/** What those hear who don't see it: the prompt only where it is shown. */
export function altOf({ number, image, text }: SharedPicture): string {
  return text ??
    `${image.kind === "made" ? "A picture made with AI" : "An uploaded picture"}, number ${number}`;
}

/** A picture in a place of its own shape, in one of the sizes that strangers get. */
export function SharedImage({ shown, path, query = "", isFirst = false }: {
  shown: SharedPicture;
  path: string;
  query?: string;
  /** It is seen at once. */
  isFirst?: boolean;
}) {
  const { number, image } = shown;
  return (
    <span class="picture">
      {image.tint && <Tint tint={image.tint} />}
      <img
        src={`${path}/file/${number}${query}`}
        width={image.width}
        height={image.height}
        alt={altOf(shown)}
        decoding="async"
        loading={isFirst ? undefined : "lazy"}
        fetchpriority={isFirst ? "high" : undefined}
      />
    </span>
  );
}

export function MadeWith({ shown: { image } }: { shown: SharedPicture }) {
  return (
    <p class="maker">{image.kind === "made" ? `Made with AI (${image.model})` : "An uploaded picture"}</p>
  );
}

/** All models that had a part in it. */
export function MadeWithAll({ pictures }: { pictures: readonly SharedPicture[] }) {
  const models = new Set(pictures.flatMap(({ image }) => image.kind === "made" ? [image.model] : []));
  return models.size === 0 ? null : <p class="maker">Made with AI ({[...models].join(", ")})</p>;
}

/** How long the link works, for whoever wants to keep something of it. */
export function Until({ share: { expiresAt } }: { share: Share }) {
  if (expiresAt === null) return null;
  return (
    <p class="muted">
      This link works until <Time at={expiresAt} />.
    </p>
  );
}
