/** How far a picture is extended at each side: to a ratio, or side by side. */
import type { Image } from "../../lib/images/image.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { Frame, Size } from "../../lib/size.ts";
import { fileAddress } from "./picture.tsx";

export interface FrameState {
  fields: FormFields;
  frame: Frame | null;
  /** The picture with it. */
  canvas: Size;
  /** The address of the picture inside of stripes; null without a frame. */
  shownUrl: string | null;
  /** What is wrong with what was said. */
  problem: string | null;
}

const ratios = ["1:1", "4:3", "3:2", "16:9", "9:16"];
const anchors = [
  ["top-left", "Top left"],
  ["top", "Top"],
  ["top-right", "Top right"],
  ["left", "Left"],
  ["middle", "Middle"],
  ["right", "Right"],
  ["bottom-left", "Bottom left"],
  ["bottom", "Bottom"],
  ["bottom-right", "Bottom right"],
];
const sides = [
  { name: "left", label: "Left" },
  { name: "top", label: "Top" },
  { name: "right", label: "Right" },
  { name: "bottom", label: "Bottom" },
] as const;

/** The picture inside of what is to be made, in the size of both. With a script its edges are drawn out by hand. */
export function FrameShown({ image, frame: { frame, canvas, shownUrl, problem } }: {
  image: Image;
  frame: FrameState;
}) {
  const { width, height } = image;
  const { left, top, right, bottom } = frame ?? { left: 0, top: 0, right: 0, bottom: 0 };
  const small = fileAddress(image.id, "?width=640");
  return (
    <figure id="frame-shown" class="frame-shown">
      <div
        class="frame-canvas"
        data-width={width}
        data-height={height}
        data-left={left}
        data-top={top}
        data-right={right}
        data-bottom={bottom}
      >
        <img
          class="frame-drawn"
          src={shownUrl ?? small}
          width={canvas.width}
          height={canvas.height}
          alt={frame === null ? "The picture as it is" : "The picture inside its new frame"}
        />
        <div class="frame-print">
          <img src={small} width={width} height={height} alt="The picture inside its frame" />
        </div>
        {sides.map(({ name }) => <Handle side={name} pixels={frame?.[name] ?? 0} image={image} />)}
      </div>
      <figcaption>
        <span id="frame-size">{`${width} × ${height} → ${canvas.width} × ${canvas.height}`}</span>
        {problem !== null && <span class="error" role="alert">{problem}</span>}
        <span class="muted drawn-out">Drag an edge, or go there with Tab and press an arrow key.</span>
      </figcaption>
    </figure>
  );
}

type Side = (typeof sides)[number]["name"];

function Handle({ side, pixels, image: { width, height } }: { side: Side; pixels: number; image: Image }) {
  const isAcross = side === "left" || side === "right";
  return (
    <span
      id={`frame-${side}`}
      class={`frame-handle at-${side}`}
      role="slider"
      tabindex={0}
      data-side={side}
      aria-label={`Extend at the ${side}`}
      aria-orientation={isAcross ? "horizontal" : "vertical"}
      aria-valuemin={0}
      aria-valuemax={(isAcross ? width : height) * 2}
      aria-valuenow={pixels}
      aria-valuetext={`${pixels} pixels`}
    >
    </span>
  );
}

export function FrameFields({ image, frame: { fields } }: { image: Image; frame: FrameState }) {
  const { ratio = "", anchor = "middle" } = fields;
  return (
    <div
      id="frame-fields"
      class="frame-fields"
      hx-post={`/images/${image.id}/edit/settings`}
      hx-trigger="change"
      hx-include="closest form"
      hx-target="#settings"
      hx-swap="outerMorph"
    >
      <fieldset class="field">
        <legend>To ratio</legend>
        <div class="choices">
          <Choice name="ratio" value="" label="As it is" isChosen={ratio === ""} />
          {ratios.map((each) => <Choice name="ratio" value={each} label={each} isChosen={each === ratio} />)}
        </div>
      </fieldset>
      <fieldset class="field anchors">
        <legend>Keep the picture</legend>
        <div class="places">
          {anchors.map(([value, label]) => (
            <label class="choice place">
              <input type="radio" name="anchor" value={value} checked={value === anchor} />
              <span>
                <span class="unseen">{label}</span>
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <fieldset class="field by-side">
        <legend>By side, in percent of the picture</legend>
        <div class="area-figures">
          {sides.map(({ name, label }) => (
            <div class="field">
              <label for={`side-${name}`}>{label}</label>
              <input
                id={`side-${name}`}
                type="number"
                name={name}
                inputmode="decimal"
                min="0"
                max="200"
                step="any"
                value={fields[name] ?? "0"}
              />
            </div>
          ))}
        </div>
        <p class="muted">Counts where the ratio stays as it is.</p>
      </fieldset>
      <noscript>
        <button
          class="quiet"
          type="submit"
          formmethod="get"
          formaction={`/images/${image.id}/edit`}
          formnovalidate
        >
          Show it
        </button>
      </noscript>
    </div>
  );
}

function Choice(
  { name, value, label, isChosen }: { name: string; value: string; label: string; isChosen: boolean },
) {
  return (
    <label class="choice">
      <input type="radio" name={name} value={value} checked={isChosen} />
      <span>{label}</span>
    </label>
  );
}
