/**
 * Where somebody paints what may change of a picture. It stands in a multipart form whose field `mask` it fills; without
 * a script that field takes a file, and the rest is not there.
 */
import type { Child } from "hono/jsx";
import type { Image } from "../../lib/images/image.ts";
import { assets } from "../shell/assets.ts";
import { fileAddress } from "./picture.tsx";

export interface MaskEditorProps {
  image: Pick<Image, "id" | "width" | "height" | "title">;
  /** A mask to go on from: white is what may change. */
  maskUrl?: string;
  /** The page is shown again because what was sent was refused: the mask is still there. */
  isAgain?: boolean;
  /** What belongs to the file without a script, such as whether its dark part is what changes. */
  children?: Child;
}

/** With a script, in one form: tools, the picture with its mask, and what can be said about it. */
export function MaskEditor({ image, maskUrl, isAgain, children }: MaskEditorProps) {
  const { id, width, height, title } = image;
  return (
    <>
      <div class="field mask-field">
        <label for="mask">A mask from a file</label>
        <input id="mask" type="file" name="mask" accept="image/png,image/webp,image/jpeg" />
        <div class="mask-plain">
          <p class="muted">
            What is white changes; in a picture with transparency, what is transparent. It has the shape of
            the picture.
          </p>
          {children}
        </div>
      </div>
      <div
        id="mask-editor"
        class="mask-editor"
        hidden
        data-image={id}
        data-width={width}
        data-height={height}
        data-mask-url={maskUrl}
        data-again={isAgain || undefined}
      >
        <Tools />
        <div class="mask-stage" role="application" aria-label="Paint what should change">
          <img
            src={fileAddress(id)}
            width={width}
            height={height}
            alt={title}
            loading="lazy"
            decoding="async"
          />
          <canvas tabindex={0} role="img" aria-label="What will change" aria-describedby="mask-share">
          </canvas>
          <span class="mask-ring" aria-hidden="true" hidden></span>
          <span class="mask-cross" aria-hidden="true" hidden></span>
        </div>
        <div class="mask-foot">
          <p class="mask-says" role="status">
            <span id="mask-share">0 % will change</span> <span id="mask-where" class="muted"></span>
          </p>
          <StepsAndView />
        </div>
        <p class="mask-trouble error" role="alert"></p>
        <p class="mask-crosshair unseen" role="status"></p>
        <details class="mask-more">
          <summary>Mask files, keys and gestures</summary>
          <div class="mask-file">
            <button class="mask-save quiet" type="button">Save the mask as a file</button>
          </div>
          <Keys />
        </details>
      </div>
      <script src={assets.maskEditor.path} defer></script>
    </>
  );
}

function Tools() {
  return (
    <div class="mask-bar">
      <div class="mask-row">
        <div class="mask-group" role="group" aria-label="Tools">
          <Tool name="Brush" press="b" keys="B" icon={icons.brush} pressed />
          <Tool name="Eraser" press="e" keys="E" icon={icons.eraser} pressed={false} />
          <Tool name="Rectangle" press="r" keys="R" icon={icons.rectangle} pressed={false} />
          <Tool name="Ellipse" press="o" keys="O" icon={icons.ellipse} pressed={false} />
          <Tool name="Lasso" press="l" keys="L" icon={icons.lasso} pressed={false} />
          <Tool
            name="Similar"
            label="Similar colours"
            press="w"
            keys="W"
            icon={icons.similar}
            pressed={false}
          />
        </div>
        <div class="mask-group" role="group" aria-label="The whole mask">
          <Tool name="Grow" label="Grow by 4 pixels" press="shift++" keys="Shift++" icon={icons.grow} />
          <Tool name="Shrink" label="Shrink by 4 pixels" press="shift+-" keys="Shift+-" icon={icons.shrink} />
          <Tool name="Invert" press="i" keys="I" icon={icons.invert} />
          <Tool name="All" label="Mark all" press="mod+a" keys="Control+A" icon={icons.all} />
          <Tool name="Clear" press="delete" keys="Delete" icon={icons.clear} />
        </div>
      </div>
      <div class="mask-group mask-setting" role="group" aria-label="Of this tool">
        <label class="mask-slider for-brush">
          <span>Size</span>
          <input
            type="range"
            min="0"
            max="100"
            step="any"
            title="Size ([ and ])"
            aria-label="Size of the brush"
          />
          <output></output>
        </label>
        <label class="mask-slider for-similar">
          <span>Tolerance</span>
          <input type="range" min="0" max="100" aria-label="Tolerance: how far colours may differ" />
          <output></output>
        </label>
        <Tool name="Take away" press="x" keys="X" icon={icons.minus} pressed={false} kind="for-shapes" />
      </div>
    </div>
  );
}

/** What is done to steps and to the view stands below the picture, in reach of a thumb. */
function StepsAndView() {
  return (
    <div class="mask-row">
      <div class="mask-group" role="group" aria-label="Steps">
        <Tool name="Undo" press="mod+z" keys="Control+Z" icon={icons.undo} />
        <Tool name="Redo" press="mod+shift+z" keys="Control+Shift+Z" icon={icons.redo} />
      </div>
      <div class="mask-group" role="group" aria-label="View">
        <Tool name="Out" label="Zoom out" press="mod+-" keys="Control+-" icon={icons.minus} />
        <Tool name="100 %" label="Full size" press="mod+1" keys="Control+1" icon={icons.magnifier} />
        <Tool name="In" label="Zoom in" press="mod++" keys="Control++" icon={icons.plus} />
        <Tool name="Fit" press="mod+0" keys="Control+0" icon={icons.fit} />
        <Tool name="Hide" label="Hide the mask" look="hidden" keys="H" icon={icons.hide} pressed={false} />
        <Tool
          name="Only"
          label="Show only what changes"
          look="part"
          keys="Shift+H"
          icon={icons.only}
          pressed={false}
        />
      </div>
    </div>
  );
}

interface ToolProps {
  /** Under the icon. */
  name: string;
  /** In full, where that is more. */
  label?: string;
  /** What it does, by the key that does it too. */
  press?: string;
  /** What is seen while it is pressed, or its key is held. */
  look?: "hidden" | "part";
  keys: string;
  icon: string;
  /** Of what is chosen, not done. */
  pressed?: boolean;
  kind?: string;
}

function Tool({ name, label = name, press, look, keys, icon, pressed, kind = "" }: ToolProps) {
  return (
    <button
      class={`mask-tool ${kind}`}
      type="button"
      data-press={press}
      data-look={look}
      aria-pressed={pressed === undefined ? undefined : `${pressed}`}
      aria-keyshortcuts={keys}
      aria-label={label}
      title={`${label} (${look === undefined ? "" : "hold "}${keysText(keys)})`}
    >
      <Icon path={icon} />
      <span class="name" aria-hidden="true">{name}</span>
    </button>
  );
}

function keysText(keys: string): string {
  return keys.replace("Control", "Ctrl").replaceAll(/(?<=\w)\+/g, " ");
}

function Icon({ path }: { path: string }) {
  return (
    <svg class="mask-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

/** Lines in a square of 24. */
const icons = {
  brush:
    "M20 4 9.5 14.5 M9 14a3.5 3.5 0 0 0-3.5 3.5c0 1.5-1 2.5-2.5 2.5 1 .7 2.3 1 3.5 1a4 4 0 0 0 4-4c0-.6-.1-1-.3-1.4",
  eraser:
    "M8 20H20 M4.6 15.4 14 6a2 2 0 0 1 2.8 0l2.7 2.7a2 2 0 0 1 0 2.8L11 20H8l-3.4-3.2a1 1 0 0 1 0-1.4Z M9.5 10.5l5.5 5.5",
  rectangle: "M4 6h16v12H4Z",
  ellipse: "M3 12a9 6.5 0 1 0 18 0a9 6.5 0 1 0-18 0Z",
  lasso:
    "M7.5 15.5C4.8 14.6 3 12.9 3 10.5 3 6.9 7 4.5 12 4.500s9 2.4 9 6-4 6-9 6c-1 0-2-.1-2.9-.3 M7 14a2 2 0 1 0 .1 4A2 2 0 0 0 7 14Z M7 18c0 1.5-.8 2.5-2 3",
  similar: "M4 20 14 10 M17 3v3 M17 10v3 M12 6.500h3 M19 6.500h3 M20 9.500l-1-1 M14 3.500l1 1 M20 3.500l-1 1",
  grow: "M9 12h6 M12 9v6 M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18Z",
  shrink: "M9 12h6 M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18Z",
  invert: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18Z M12 3v18 M12 7l6.5-1 M12 12h9 M12 17l6.5 1",
  all: "M4 4h16v16H4Z M4 12 12 4 M4 20 20 4 M12 20l8-8",
  clear: "M5 7h14 M10 7V4.500h4V7 M7 7l1 13h8l1-13 M10.5 11v5.5 M13.5 11v5.5",
  undo: "M8 5 4 9l4 4 M4 9h10a5.5 5.5 0 0 1 0 11h-4",
  redo: "M16 5l4 4-4 4 M20 9H10a5.5 5.5 0 0 0 0 11h4",
  magnifier: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13Z M15.2 15.2 20 20",
  hide: "M3 12c2-3.7 5.2-5.5 9-5.5s7 1.8 9 5.5c-2 3.7-5.2 5.5-9 5.5S5 15.7 3 12Z M5 20 19 4",
  only: "M4 8V4h4 M16 4h4v4 M20 16v4h-4 M8 20H4v-4 M12 8.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7Z",
  plus: "M5 12h14 M12 5v14",
  minus: "M5 12h14",
  fit: "M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5",
};

/** What no button shows. */
const gestures: [keys: string[], words: string][] = [
  [["Alt", "drag"], "Brush takes away, eraser adds"],
  [["Shift", "click"], "A straight line from where the last stroke ended"],
  [["Ctrl", "drag"], "Rectangle, ellipse, lasso and similar colours take away"],
  [["[", "]"], "Smaller, larger; with Shift four steps; Ctrl and wheel too"],
  [["X"], "Between adding and taking away"],
  [["wheel"], "Zoom; two fingers do it too"],
  [["Space", "drag"], "Move the picture, also in the middle of a lasso; the middle button too"],
  [["Ctrl", "0"], "Fit; with 1 full size, with + and − closer and farther"],
  [["H"], "Hide the mask while it is held; with Shift show only what changes"],
  [["arrows"], "Move the crosshair on the picture; with Shift in longer steps"],
  [["Enter"], "Stamp the brush, or begin and end a shape, at the crosshair"],
  [["Shift", "Enter"], "While held, arrows paint"],
  [["two fingers"], "A short tap undoes; with three it is done again"],
  [["pen"], "Pressure makes the stroke wider, its other end erases; then one finger moves the picture"],
  [["Ctrl", "Enter"], "Send"],
];

function Keys() {
  return (
    <dl class="mask-keys">
      {gestures.map(([keys, words]) => (
        <div>
          <dt>{keys.map((key) => <kbd>{key}</kbd>)}</dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}
