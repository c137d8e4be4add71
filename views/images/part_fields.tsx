/** Which part of a picture may change, without painting: named, in figures, by clicks, or as it was marked before. */
import type { Image } from "../../lib/images/image.ts";
import type { Mask } from "../../lib/images/mask.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { Size } from "../../lib/size.ts";
import { fileAddress } from "./picture.tsx";

export interface PartState {
  fields: FormFields;
  /** The address of the picture with the part drawn on it; null: the whole picture, or nothing that can be drawn. */
  shownUrl: string | null;
  /** How much of the picture may change. */
  share: number | null;
  /** The mask that was chosen, for the editor to begin with. */
  maskUrl: string | null;
  /** What is wrong with what was said. */
  problem: string | null;
}

const thirds = [
  { value: "top", name: "Top third", area: "0 0 100 33.3333" },
  { value: "bottom", name: "Bottom third", area: "0 66.6667 100 33.3333" },
  { value: "left", name: "Left third", area: "0 0 33.3333 100" },
  { value: "right", name: "Right third", area: "66.6667 0 33.3333 100" },
  { value: "middle", name: "Middle", area: "33.3333 33.3333 33.3333 33.3333" },
];

export function PartFields({ image, text, part, masks }: {
  image: Image;
  text: string;
  part: PartState;
  masks: readonly Mask[];
}) {
  const { fields } = part;
  const chosen = fields.part ?? "whole";
  return (
    <section id="exact-area" class="exact" aria-labelledby="exact-area-name">
      <h2 id="exact-area-name">Exact area</h2>
      <fieldset class="field">
        <legend>Which part?</legend>
        <div class="choices">
          <Part value="whole" name="Whole" area="0 0 100 100" chosen={chosen} />
          {thirds.map((each) => <Part {...each} chosen={chosen} />)}
          <Part value="rect" name="Rectangle" chosen={chosen} />
          <Part value="ellipse" name="Ellipse" chosen={chosen} />
          <noscript>
            <Part value="similar" name="Similar colours" chosen={chosen} />
          </noscript>
          <Part value="file" name="A mask" chosen={chosen} isMask />
          {masks.length > 0 && <Part value="earlier" name="An earlier mask" chosen={chosen} />}
        </div>
      </fieldset>
      <div class="area-figures">
        <Percent name="x" label="Left, %" value={fields.x} fallback="25" />
        <Percent name="y" label="Top, %" value={fields.y} fallback="25" />
        <Percent name="width" label="Width, %" value={fields.width} fallback="50" />
        <Percent name="height" label="Height, %" value={fields.height} fallback="50" />
      </div>
      {masks.length > 0 && <EarlierMasks masks={masks} chosen={fields.maskId} />}
      <label class="check">
        <input type="checkbox" name="invert" value="1" checked={fields.invert === "1"} />
        Everything except this
      </label>
      <button class="quiet draw" type="button" data-mask-draw>Mark this area</button>
      <noscript>
        <button class="quiet" type="submit" formmethod="get" formaction={editAddress(image)} formnovalidate>
          Show it
        </button>
        <Shown image={image} part={part} />
        <ClickInstead image={image} text={text} fields={fields} />
      </noscript>
    </section>
  );
}

function editAddress({ id }: Image): string {
  return `/images/${id}/edit`;
}

function Part({ value, name, area, chosen, isMask }: {
  value: string;
  name: string;
  area?: string;
  chosen: string;
  isMask?: boolean;
}) {
  return (
    <label class="choice">
      <input
        type="radio"
        name="part"
        value={value}
        data-area={area}
        data-mask-choice={isMask}
        checked={value === chosen}
      />
      <span>{name}</span>
    </label>
  );
}

function Percent(
  { name, label, value, fallback }: { name: string; label: string; value?: string; fallback: string },
) {
  return (
    <div class="field">
      <label for={`part-${name}`}>{label}</label>
      <input
        id={`part-${name}`}
        type="number"
        name={name}
        inputmode="decimal"
        min="0"
        max="100"
        step="any"
        value={value ?? fallback}
      />
    </div>
  );
}

function EarlierMasks({ masks, chosen }: { masks: readonly Mask[]; chosen?: string }) {
  return (
    <div class="field earlier">
      <label for="earlier">Earlier masks of this picture</label>
      <select id="earlier" name="maskId">
        {masks.map(({ id, share }, i) => (
          <option value={id} selected={id === chosen} data-url={`/api/v1/masks/${id}/file`}>
            {i === 0 ? "The last" : `${i + 1} masks ago`}: {shareText(share)}
          </option>
        ))}
      </select>
    </div>
  );
}

function Shown({ image, part: { shownUrl, share, problem } }: { image: Image; part: PartState }) {
  if (problem !== null) return <p class="error" role="alert">{problem}</p>;
  if (shownUrl === null) return null;
  return (
    <figure class="part-shown">
      <img
        src={shownUrl}
        {...clickSize(image)}
        alt={share === null ? "What will change" : shareText(share)}
      />
      {share !== null && <figcaption>{shareText(share)}</figcaption>}
    </figure>
  );
}

/** The longest side of the picture that is clicked, in pixels of the page. */
const clickSide = 640;

/** In this size the picture is clicked, however large it is drawn: a browser tells places in it. */
export function clickSize({ width, height }: Size): Size {
  const scale = clickSide / Math.max(width, height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

function ClickInstead({ image, text, fields }: { image: Image; text: string; fields: FormFields }) {
  const { width, height } = clickSize(image);
  const isSimilar = fields.part === "similar";
  return (
    <div class="click-instead">
      <h3>Click instead of numbers</h3>
      <p class="muted">
        {isSimilar
          ? "A click marks what is connected with that point and of similar colour."
          : fields.corner
          ? `One corner is at ${
            fields.corner.replace(",", " % across, ")
          } % down. Click the one across from it.`
          : "Click one corner of the area, then the one across from it."}
      </p>
      {fields.corner && <input type="hidden" name="corner" value={fields.corner} />}
      <div class="field tolerance">
        <label for="tolerance">Tolerance for similar colours, 0 to 255</label>
        <input
          id="tolerance"
          type="number"
          name="tolerance"
          inputmode="numeric"
          min="0"
          max="255"
          value={fields.tolerance ?? "32"}
        />
      </div>
      <div class="click-place">
        <svg width={`${width / clickSide * 100}%`} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        </svg>
        <input
          type="image"
          name="at"
          src={fileAddress(image.id, "?width=640")}
          width={width}
          height={height}
          alt={`A place in ${text}`}
          formmethod="get"
          formaction={editAddress(image)}
          formnovalidate
        />
      </div>
    </div>
  );
}

/** "12 % will change", with one decimal below 10. */
export function shareText(share: number): string {
  const percent = share * 100;
  const rounded = percent >= 9.95 ? Math.round(percent) : Math.round(percent * 10) / 10;
  return `${rounded} % will change`;
}
