/**
 * The mask itself: a canvas that nobody sees, opaque where the picture may change and clear where it stays, never
 * anything between, so that undoing and doing again give the same mask.
 */
import { boxOf, paint } from "./mask_commands.js";

/**
 * A larger picture is masked in a smaller size of the same shape, which the server fits: phones give a canvas 16
 * million pixels, every step is read back, and a pixel of a picture of 25 million is finer than any hand.
 */
const mostPixels = 2 ** 22;
/** By how many pixels of the picture a mask grows and shrinks. */
const growth = 4;
/** Black, of which alpha is the last of four bytes: every browser's machine is little-endian. */
const opaque = 0xff000000;

export function createRaster(base) {
  const fitted = Math.min(1, Math.sqrt(mostPixels / (base.width * base.height)));
  const width = Math.max(1, Math.round(base.width * fitted));
  const height = Math.max(1, Math.round(base.height * fitted));
  const mask = createPlane({ width, height });
  /** What commands bring that is no outline: read once, and opaque where the picture may change. */
  const stencils = new WeakMap();

  const operations = {
    stroke: draw,
    rectangle: draw,
    ellipse: draw,
    lasso: draw,
    similar: stamp,
    earlier: (command) => replace(() => stamp(command)),
    file: ({ runs }) => writeRuns(runs),
    grow,
    shrink: () => [invert, grow, invert].forEach((step) => step()),
    invert,
    clear: () => replace(() => {}),
    all: () => replace(() => mask.fillRect(0, 0, width, height)),
  };
  const apply = (command) => operations[command.kind](command);

  function draw(command) {
    mask.save();
    mask.scale(width / base.width, height / base.height);
    paint(mask, command);
    mask.restore();
    harden(boxOf(command));
  }

  function stamp(command) {
    mask.globalCompositeOperation = command.takes ? "destination-out" : "source-over";
    mask.drawImage(stencils.get(command), 0, 0);
    mask.globalCompositeOperation = "source-over";
  }

  /** Takes the soft edges of what was drawn within this box of the picture. */
  function harden({ left, top, right, bottom }) {
    const x = Math.max(0, Math.floor(left * width / base.width));
    const y = Math.max(0, Math.floor(top * height / base.height));
    const wide = Math.min(width, Math.ceil(right * width / base.width)) - x;
    const high = Math.min(height, Math.ceil(bottom * height / base.height)) - y;
    if (wide <= 0 || high <= 0) return;
    const part = mask.getImageData(x, y, wide, high);
    for (let i = 3; i < part.data.length; i += 4) part.data[i] = part.data[i] < 128 ? 0 : 255;
    mask.putImageData(part, x, y);
  }

  function replace(drawNew) {
    mask.clearRect(0, 0, width, height);
    drawNew();
  }

  function invert() {
    mask.globalCompositeOperation = "xor";
    mask.fillRect(0, 0, width, height);
    mask.globalCompositeOperation = "source-over";
  }

  /** By a round brush: row by row, as wide as it is there. */
  function grow() {
    const radius = Math.max(1, growth * width / base.width);
    const far = distances();
    const image = new ImageData(width, height);
    const grown = new Uint32Array(image.data.buffer);
    for (let down = -Math.floor(radius); down <= radius; down++) {
      const wide = Math.sqrt(radius ** 2 - down ** 2);
      const from = Math.max(0, -down * width);
      const to = Math.min(far.length, far.length - down * width);
      for (let i = from; i < to; i++) if (far[i + down * width] <= wide) grown[i] = opaque;
    }
    mask.putImageData(image, 0, 0);
  }

  /** How far each pixel is from the nearest in its row that may change, up to 255. */
  function distances() {
    const each = pixels();
    const far = new Uint8Array(each.length);
    for (let start = 0; start < each.length; start += width) {
      let gap = 255;
      for (let i = start; i < start + width; i++) far[i] = gap = each[i] === 0 ? Math.min(255, gap + 1) : 0;
      gap = 255;
      for (let i = start + width - 1; i >= start; i--) {
        gap = each[i] === 0 ? Math.min(255, gap + 1) : 0;
        if (gap < far[i]) far[i] = gap;
      }
    }
    return far;
  }

  /** One number a pixel, 0 where the picture stays. */
  const pixels = () => new Uint32Array(mask.getImageData(0, 0, width, height).data.buffer);

  /** Which part of the picture may change, and where its middle is, as fractions. */
  function measure() {
    const each = pixels();
    let count = 0;
    let across = 0;
    let down = 0;
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (each[i] === 0) continue;
        count++;
        across += x;
        down += y;
      }
    }
    return { share: count / (width * height), x: across / count / width, y: down / count / height };
  }

  /** The mask as lengths of what stays and what may change, in turn, row after row. */
  function readRuns() {
    const each = pixels();
    const runs = [];
    let start = 0;
    for (let i = 1; i <= each.length; i++) {
      if (i < each.length && each[i] === each[i - 1]) continue;
      if (runs.length === 0 && each[0] !== 0) runs.push(0);
      runs.push(i - start);
      start = i;
    }
    return runs;
  }

  function writeRuns(runs) {
    const image = new ImageData(width, height);
    const each = new Uint32Array(image.data.buffer);
    let at = 0;
    runs.forEach((length, i) => {
      if (i % 2 === 1) each.fill(opaque, at, at + length);
      at += length;
    });
    mask.putImageData(image, 0, 0);
  }

  /** Reads a mask from a picture of the same shape: by its transparency where it has any, else what is white. */
  async function readStencil(blob) {
    const bitmap = await createImageBitmap(blob);
    if (Math.abs(bitmap.width * height / (bitmap.height * width) - 1) > 0.01) {
      throw new RangeError(`The mask is ${shape(bitmap)}, the picture ${shape(base)}`);
    }
    const stencil = createPlane({ width, height });
    stencil.drawImage(bitmap, 0, 0, width, height);
    const image = stencil.getImageData(0, 0, width, height);
    const { data } = image;
    const isClear = data.some((value, i) => i % 4 === 3 && value < 128);
    for (let i = 0; i < data.length; i += 4) {
      data[i + 3] = (isClear ? data[i + 3] < 128 : data[i] >= 128) ? 255 : 0;
      data[i] = data[i + 1] = data[i + 2] = 0;
    }
    stencil.putImageData(image, 0, 0);
    return stencil.canvas;
  }

  /** A command of kind `file`: it holds what it brings, so that it outlives the page. */
  async function readFile(blob) {
    const stencil = await readStencil(blob);
    const before = readRuns();
    replace(() => mask.drawImage(stencil, 0, 0));
    const runs = readRuns();
    writeRuns(before);
    return { kind: "file", runs };
  }

  /** White where the picture may change, black where it stays. */
  function toPng() {
    const sheet = createPlane({ width, height });
    sheet.drawImage(mask.canvas, 0, 0);
    sheet.globalCompositeOperation = "source-in";
    sheet.fillStyle = "white";
    sheet.fillRect(0, 0, width, height);
    sheet.globalCompositeOperation = "destination-over";
    sheet.fillStyle = "black";
    sheet.fillRect(0, 0, width, height);
    return new Promise((resolve) => sheet.canvas.toBlob(resolve, "image/png"));
  }

  return {
    canvas: mask.canvas,
    apply,
    measure,
    readRuns,
    writeRuns,
    readFile,
    readStencil,
    setStencil: (command, stencil) => stencils.set(command, stencil),
    toPng,
  };
}

/** A canvas in memory that is read back again and again. */
function createPlane({ width, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** As people say it: 3:2. */
function shape({ width, height }) {
  const divisor = (a, b) => b === 0 ? a : divisor(b, a % b);
  const by = divisor(width, height);
  return `${width / by}:${height / by}`;
}
