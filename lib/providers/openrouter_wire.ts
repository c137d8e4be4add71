/** What OpenRouter tells of a model that makes pictures (openrouter.ai/docs, "Image Generation"), made into one of Darkroom's. */
import type { EditAbility, Model } from "../catalog/provider.ts";
import type { UsagePrice } from "../catalog/price_book.ts";
import type { PriceRow } from "../money/charge.ts";
import { parseSize, type Size } from "../size.ts";
import { nearestRatio } from "./shape.ts";
import { type Fields, fieldsOf, listOf, numberOf, textOf } from "./wire.ts";

/** What a model can be told, by field; what is not there it can't. */
export interface Descriptors {
  /** Of the picture's sides, such as "16:9"; null: it can't be told. */
  ratios: string[] | null;
  /** Such as "2K", with the pixels that a square of it has on each side; null: it can't be told. */
  resolutions: { name: string; pixels: number }[] | null;
  /** "WIDTHxHEIGHT", where it takes these alone. */
  sizes: string[] | null;
  seed: boolean;
  /** It can be asked for PNG, which loses nothing. */
  png: boolean;
  /** Pictures that it is given. */
  references: { min: number; max: number };
}

export function descriptorsOf(parameters: unknown): Descriptors {
  const fields = fieldsOf(parameters);
  const values = (name: string): string[] | null => {
    const { values } = fieldsOf(fields[name]);
    const texts = listOf(values).filter((value) => typeof value === "string" || typeof value === "number");
    return texts.length === 0 ? null : texts.slice(0, mostValues).map(String);
  };
  const ratios = values("aspect_ratio")?.filter((value) => /^\d{1,3}(\.\d)?:\d{1,3}(\.\d)?$/.test(value));
  const resolutions = values("resolution")?.flatMap((name) => {
    const pixels = pixelsOf(name);
    return pixels === null ? [] : [{ name, pixels }];
  });
  const sizes = values("size")?.filter((value) => /^[1-9]\d{1,3}x[1-9]\d{1,3}$/.test(value));
  const { min, max } = fieldsOf(fields.input_references);
  return {
    ratios: filledOrNull(ratios),
    resolutions: filledOrNull(resolutions?.toSorted((a, b) => a.pixels - b.pixels)),
    sizes: filledOrNull(sizes),
    seed: fields.seed !== undefined && fields.seed !== null,
    png: values("output_format")?.includes("png") ?? false,
    references: { min: numberOf(min) ?? 0, max: Math.min(mostReferences, Math.floor(numberOf(max) ?? 0)) },
  };
}

const mostValues = 64;
const mostReferences = 16;

/** "512", "0.5K", "1k": of a square's side. */
function pixelsOf(resolution: string): number | null {
  const [, amount, thousands] = /^(\d{1,4}(?:\.\d)?)(k?)$/i.exec(resolution.trim()) ?? [];
  return amount === undefined ? null : Number(amount) * (thousands === "" ? 1 : 1024);
}

function filledOrNull<T>(list: T[] | undefined): T[] | null {
  return list === undefined || list.length === 0 ? null : list;
}

const squares = ["512x512", "768x768", "1024x1024", "1536x1536"];
const others = ["1536x1024", "1024x1536", "1024x768", "768x1024", "1536x864", "864x1536"];
const large = ["2048x2048", "2048x1152", "1152x2048", "4096x4096"];
/** As far as one goes who can't be told a resolution. */
const longestUntold = 1536;
/** Of the logarithms of two ratios that look alike. */
const alike = 0.02;

/** What can be asked for: in shapes that the model has, and no larger than it makes them. */
export function sizesOf({ ratios, resolutions, sizes }: Descriptors): string[] {
  if (ratios === null && resolutions === null) return sizes ?? ["1024x1024"];
  const longest = resolutions?.at(-1)?.pixels ?? longestUntold;
  return [...squares, ...others, ...large].filter((text) => {
    const size = parseSize(text);
    if (Math.max(size.width, size.height) > longest) return false;
    if (ratios === null) return size.width === size.height;
    const [width, height] = nearestRatio(size, ratios).split(":").map(Number);
    return Math.abs(Math.log(size.width / size.height) - Math.log(width / height)) < alike;
  });
}

/** How a size is asked for: never by a ratio or resolution and a size at once, which is refused. */
export function shapeFields(
  size: Size,
  { ratios, resolutions, sizes }: Descriptors,
): { [name: string]: string } {
  if (ratios === null && resolutions === null) {
    return sizes === null ? {} : { size: `${size.width}x${size.height}` };
  }
  const resolution = resolutions === null ? null : resolutionOf(size, resolutions).name;
  return {
    ...(ratios !== null && { aspect_ratio: nearestRatio(size, ratios) }),
    ...(resolution !== null && { resolution }),
  };
}

/** The smallest that has as many pixels on each side, else the largest. */
function resolutionOf({ width, height }: Size, resolutions: NonNullable<Descriptors["resolutions"]>) {
  const longest = Math.max(width, height);
  return resolutions.find(({ pixels }) => pixels >= longest) ?? resolutions.at(-1)!;
}

/** Null where it takes none. A part that may change can't be marked: Darkroom keeps the rest. */
export function editOf({ references: { max } }: Descriptors): EditAbility | null {
  if (max < 1) return null;
  return {
    sources: {
      max,
      maxBytes: 4_000_000,
      longestSide: 2048,
      contentTypes: ["image/png", "image/jpeg", "image/webp"],
      by: "bytes",
      roles: false,
    },
    mask: null,
    strength: null,
    sizes: "list",
  };
}

/** A line of an endpoint's prices, by what is billed and for how much of it. */
interface PriceLine {
  billable: string;
  unit: string;
  /** Such as "2k", where one price is not for all. */
  variant: string | null;
  micros: number;
}

/** Null for what can't be read: what it costs is never assumed. */
export function pricesOf(endpoint: unknown): PriceLine[] | null {
  const { pricing } = fieldsOf(endpoint);
  const lines = Array.isArray(pricing) ? pricing.map(fieldsOf) : linesOf(fieldsOf(pricing));
  const read = lines.map(({ billable, unit, variant, cost_usd }): PriceLine | null => {
    const dollars = numberOf(cost_usd);
    if (dollars === null || dollars < 0 || dollars > mostDollars) return null;
    return {
      billable: String(billable),
      unit: String(unit),
      variant: textOf(variant)?.toLowerCase() ?? null,
      micros: dollars * 1_000_000,
    };
  });
  const isWhole = read.every((line) => line !== null) &&
    read.some((line) => line?.billable === "output_image");
  return isWhole ? read.flatMap((line) => line ?? []) : null;
}

/** No picture costs that much. */
const mostDollars = 1000;

/** The shorter form that the list of all models has: a name for what is billed, and its price. */
function linesOf({ image, image_output, prompt, input_image }: Fields): Fields[] {
  const line = (billable: string, unit: string, cost_usd: unknown) =>
    cost_usd === undefined ? [] : [{ billable, unit, cost_usd }];
  return [
    ...line("output_image", "image", image),
    ...line("output_image", "token", image_output),
    ...line("input_text", "token", prompt),
    ...line("input_image", "image", input_image),
  ];
}

const megapixel = 1024 * 1024;
/**
 * Tokens of a picture where it is billed by them, at most and by the megapixel: those of GPT Image's finest. Gemini's
 * are a sixth of it.
 */
const tokensPerMegapixel = 7100;
/** Of a picture that is given: GPT Image's at high fidelity. */
const tokensPerSource = 6400;
const sourceMegapixels = 4;

/** What each size costs at the dearest of these endpoints, since any of them may be the one that makes it. */
export function listedRows(
  { id, sizes, descriptors }: { id: string; sizes: readonly string[]; descriptors: Descriptors },
  { endpoints, seller, validFrom }: {
    endpoints: readonly PriceLine[][];
    seller: string;
    validFrom: string;
  },
): PriceRow[] {
  const perSourceMicros = Math.ceil(Math.max(...endpoints.map(sourceMicros)));
  return sizes.map((size) => ({
    provider: seller,
    model: id,
    size,
    quality: "standard",
    costMicros: Math.ceil(Math.max(...endpoints.map((lines) => pictureMicros(lines, { size, descriptors })))),
    ...(descriptors.references.max > 0 && { perSourceMicros }),
    validFrom,
  }));
}

function pictureMicros(
  lines: readonly PriceLine[],
  { size, descriptors }: { size: string; descriptors: Descriptors },
): number {
  const wanted = parseSize(size);
  const resolution = descriptors.resolutions === null ? null : resolutionOf(wanted, descriptors.resolutions);
  const area = Math.max(wanted.width * wanted.height, (resolution?.pixels ?? 0) ** 2);
  const ofPicture = lines.filter(({ billable }) => billable === "output_image");
  const name = resolution?.name.toLowerCase() ?? "";
  // Qualities come in front of it ("medium_2k"), and which one is made is not told.
  const named = ofPicture.filter(({ variant }) => name !== "" && variant?.split(/[_\s-]/).includes(name));
  const plain = ofPicture.filter(({ variant }) => variant === null);
  const counted = named.length > 0 ? named : plain.length > 0 ? plain : ofPicture;
  return Math.max(
    ...counted.map((line) => microsOf(line, { area, tokens: area / megapixel * tokensPerMegapixel })),
  );
}

function sourceMicros(lines: readonly PriceLine[]): number {
  const ofSources = lines.filter(({ billable }) =>
    billable === "input_image" || billable === "input_reference"
  );
  const area = sourceMegapixels * megapixel;
  return Math.max(0, ...ofSources.map((line) => microsOf(line, { area, tokens: tokensPerSource })));
}

function microsOf({ unit, micros }: PriceLine, { area, tokens }: { area: number; tokens: number }): number {
  if (unit === "token") return micros * tokens;
  return unit === "megapixel" ? micros * Math.ceil(area / megapixel) : micros;
}

/** What the words cost, where they are billed. */
export function usageOf(
  endpoints: readonly PriceLine[][],
  { seller, validFrom }: { seller: string; validFrom: string },
): UsagePrice | null {
  const ofWords = endpoints.flat().filter(({ billable, unit }) =>
    billable === "input_text" && unit === "token"
  );
  const micros = Math.max(0, ...ofWords.map((line) => line.micros));
  if (micros === 0) return null;
  const perMillion = { textIn: Math.ceil(micros * 1_000_000) };
  return { provider: seller, models: [], perMillion, allowance: {}, validFrom };
}

/** Of the answer: what was billed, in dollars; with a key of one's own for the maker, what that one bills, too. */
export function dollarsOf(json: unknown): number | null {
  const { cost, is_byok: isByOwnKey, cost_details: details } = fieldsOf(fieldsOf(json).usage);
  const dollars = numberOf(cost);
  if (dollars === null || dollars < 0) return null;
  const upstream = numberOf(fieldsOf(details).upstream_inference_cost);
  return isByOwnKey === true && upstream !== null && upstream > 0 ? dollars + upstream : dollars;
}

export function modelOf(
  { id, name, descriptors }: { id: string; name: string; descriptors: Descriptors },
): Omit<Model, "listed"> {
  return {
    id,
    provider: "openrouter",
    name,
    sizes: sizesOf(descriptors),
    maxCount: 8,
    imagesPerTask: 1,
    options: { seed: descriptors.seed, negativePrompt: false, guidance: null, steps: null },
    edit: editOf(descriptors),
    watermark: "darkroom",
    progress: "estimate",
    previews: false,
    retiresAt: null,
    deadlineMs: openRouterDeadlineMs,
  };
}

/** The call is the generation. */
export const openRouterDeadlineMs = 5 * 60_000;
