/** Sizes of pictures, and places in them. */

/** In pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A part of a picture, in whole pixels from its upper left corner. */
export interface Rect extends Size {
  left: number;
  top: number;
}

/** How far a picture is extended at each side, in pixels of it, each 0 or more. */
export interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Width and height in pixels of a size such as "1024x768". */
export function parseSize(size: string): Size {
  const [width, height] = size.split("x").map(Number);
  return { width, height };
}

export function sizeText({ width, height }: Size): string {
  return `${width}x${height}`;
}

/** A picture with a frame around it. */
export function framed({ width, height }: Size, { left, top, right, bottom }: Frame): Size {
  return { width: width + left + right, height: height + top + bottom };
}
