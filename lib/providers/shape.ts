/** From the pixels that were asked for to what a provider takes: a ratio and a resolution, or a size it can make. */
interface Size {
  width: number;
  height: number;
}

/** The nearest of these aspect ratios such as "16:9". */
export function nearestRatio({ width, height }: Size, ratios: readonly string[]): string {
  const distance = (ratio: string) => {
    const [w, h] = ratio.split(":").map(Number);
    return Math.abs(Math.log((width / height) / (w / h)));
  };
  return ratios.reduce((best, ratio) => distance(ratio) < distance(best) ? ratio : best);
}

export type Resolution = "1K" | "2K" | "4K";

/** The smallest whose square has at least as many pixels on each side as were asked for. */
export function resolutionFor({ width, height }: Size): Resolution {
  const longest = Math.max(width, height);
  return longest <= 1024 ? "1K" : longest <= 2048 ? "2K" : "4K";
}

/** The smallest size of that shape that is not smaller, whose sides are multiples and whose area is enough. */
export function atLeast(
  { width, height }: Size,
  { multiple, pixels }: { multiple: number; pixels: number },
): Size {
  const scale = Math.max(1, Math.sqrt(pixels / (width * height)));
  const side = (length: number) => Math.ceil(Math.round(length * scale * 1000) / 1000 / multiple) * multiple;
  return { width: side(width), height: side(height) };
}

/** A picture as an address that is itself the picture (RFC 2397). */
export function dataAddress({ bytes, contentType }: { bytes: Uint8Array; contentType: string }): string {
  return `data:${contentType};base64,${bytes.toBase64()}`;
}
