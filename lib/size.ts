/** Sizes of pictures. */

/** In pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Width and height in pixels of a size such as "1024x768". */
export function parseSize(size: string): Size {
  const [width, height] = size.split("x").map(Number);
  return { width, height };
}
