/** Three pictures that Darkroom painted, for pages that have none of their reader's own; each begins a prompt. */
import { assets } from "./assets.ts";

/** Painted by the built-in provider from just these words, in 480 × 600 pixels. */
const paintings = [
  { asset: assets.forest, words: "Misty pine forest at sunrise with birds" },
  { asset: assets.lake, words: "A sailboat on a lake at sunset with birds" },
  { asset: assets.desert, words: "Desert dunes at night, moon and stars" },
];

export function Paintings() {
  return (
    <ul class="paintings" aria-label="Painted by Darkroom">
      {paintings.map(({ asset: { path }, words }) => (
        <li>
          <a href={`/generator?prompt=${encodeURIComponent(words)}`} data-example={words}>
            <img src={path} width="480" height="600" alt="" />
            <span>{words}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
