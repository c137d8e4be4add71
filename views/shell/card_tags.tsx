/**
 * What messengers show of a link (The Open Graph protocol, https://ogp.me, and X's cards). They take absolute addresses
 * only, and most of them want to know how large the picture is before they fetch it.
 */
export interface Card {
  title: string;
  description?: string;
  /** Of the page, absolute. */
  url: string;
  /** Of 1200 × 630 pixels: its address, absolute, and what is on it, in words. */
  image: { url: string; alt: string };
}

const titleChars = 120;
const descriptionChars = 200;

export function CardTags({ title, description, url, image }: Card) {
  const name = oneLine(title, titleChars);
  return (
    <>
      <meta property="og:site_name" content="Darkroom" />
      <meta property="og:type" content="website" />
      <meta property="og:title" content={name} />
      {description && <meta property="og:description" content={oneLine(description, descriptionChars)} />}
      <meta property="og:url" content={url} />
      <meta property="og:image" content={image.url} />
      <meta property="og:image:type" content="image/jpeg" />
      <meta property="og:image:width" content="1200" />
      <meta property="og:image:height" content="630" />
      <meta property="og:image:alt" content={oneLine(image.alt, descriptionChars)} />
      <meta name="twitter:card" content="summary_large_image" />
      <meta name="twitter:title" content={name} />
      <meta name="twitter:image" content={image.url} />
    </>
  );
}

/** Whoever shows it has a line or two for it, among words of their own that must not be turned round. */
function oneLine(text: string, chars: number): string {
  const letters = Array.from(text.replace(turning, "").replace(/\s+/gu, " ").trim());
  return letters.length <= chars ? letters.join("") : `${letters.slice(0, chars).join("").trimEnd()}…`;
}

/** Embeddings, overrides and isolates (UAX #9), and marks that say which way what follows is read. */
const turning = /\p{Bidi_Control}/gu;
