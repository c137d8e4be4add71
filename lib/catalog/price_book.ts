/**
 * Dated prices in micro-dollars: a picture's price by provider, model, size and quality, and a token's where a
 * provider reports what it used. A charge keeps the row it used, so a later row changes nothing that was booked.
 * Sources: the providers' price pages as of `validFrom`.
 */
import type { PriceRow, Usage, UsageKind } from "../money/charge.ts";
import { parseSize } from "../size.ts";

/** What a million tokens of each kind cost, in micro-dollars. */
export interface UsagePrice {
  provider: string;
  models: readonly string[];
  perMillion: Usage;
  /** Tokens that one picture may use beyond its row: previews, thinking. The prompt's own come on top. */
  allowance: Usage;
  validFrom: string;
}

type Row = [provider: string, model: string, size: string, costMicros: number, quality?: string];

/**
 * What a picture that is given to a model costs at most, where tokens of pictures are billed. OpenAI names no number
 * for its newest models; with the high fidelity of those before, a picture was 194 and up to 6,144 more.
 * A Gemini model counts 1,290 at most.
 * Stability's Core has services of their own for it, which cost five credits where a picture from words costs three.
 * FLUX.2 bills a picture that it is given by the megapixel, of which it is sent one.
 */
const perSource: { [providerOrModel: string]: number } = {
  openai: 51_000,
  gemini: 2_600,
  "stable-image-core": 20_000,
  "flux-2-pro": 15_000,
  "flux-2-max": 30_000,
  "flux-2-flex": 50_000,
  "flux-2-klein-9b": 2_000,
  "flux-2-klein-4b": 1_000,
  "fal-ai/flux-2-pro": 15_000,
  "fal-ai/flux-2-max": 30_000,
};

function row(
  [provider, model, size, costMicros, quality = "standard"]: Row,
  validFrom: string,
): PriceRow {
  const perSourceMicros = perSource[provider] ?? perSource[model];
  return {
    provider,
    model,
    size,
    quality,
    costMicros,
    ...(perSourceMicros !== undefined && { perSourceMicros }),
    validFrom,
  };
}

/** A square of 1024 pixels, and larger sizes by their area: the price page names no others. */
function rowsByArea(provider: string, model: string, quality: string, costMicros: number): Row[] {
  const larger: [size: string, factor: number][] = [
    ["1536x1024", 1.5],
    ["1024x1536", 1.5],
    ["1536x864", 1.27],
    ["864x1536", 1.27],
    ["1536x1536", 2.25],
  ];
  return [
    [provider, model, "*", costMicros, quality],
    ...larger.map(([size, factor]): Row => [provider, model, size, Math.ceil(costMicros * factor), quality]),
  ];
}

/** A model whose two-thousand-pixel pictures cost more; its smaller ones are all alike. */
function rowsByResolution(provider: string, model: string, oneK: number, twoK: number): Row[] {
  const sizes = ["1536x1024", "1024x1536", "1536x864", "864x1536", "1536x1536"];
  return [[provider, model, "*", oneK], ...sizes.map((size): Row => [provider, model, size, twoK])];
}

const megapixel = 1024 * 1024;

/** One price for the first megapixel, and one for each that is begun beyond it. */
function rowsByMegapixel(provider: string, model: string, first: number, next = first): Row[] {
  const larger = ["1536x1536", "1536x1024", "1024x1536", "1536x864", "864x1536"];
  return [
    [provider, model, "*", first],
    ...larger.map((size): Row => {
      const { width, height } = parseSize(size);
      const begun = Math.ceil(width * height / megapixel);
      return [provider, model, size, first + (begun - 1) * next];
    }),
  ];
}

/** The rows that ship with Darkroom. */
export const shippedPrices: readonly PriceRow[] = [
  ...([
    ["sketch", "sketch", "*", 0],
    ["nanobanana", "nanobanana", "*", 20_000],
    ["nanobanana", "nanobanana-2", "*", 40_000],
    ["nanobanana", "nanobanana-2", "1536x1536", 60_000],
    ["nanobanana", "nanobanana-pro", "*", 90_000],
  ] satisfies Row[]).map((each) => row(each, "2026-01-01")),
  ...[
    ...rowsByArea("openai", "gpt-image-2", "medium", 53_000),
    ...rowsByArea("openai", "gpt-image-2-low", "low", 6_000),
    ...rowsByArea("openai", "gpt-image-2-high", "high", 211_000),
    ...rowsByArea("openai", "gpt-image-2.6-sunburst", "medium", 53_000),
    ...rowsByArea("openai", "gpt-image-2.5-sunburst", "medium", 53_000),
  ].map((each) => row(each, "2026-04-21")),
  ...[
    // The price of two thousand pixels is not published: as the largest that is known.
    ...rowsByResolution("gemini", "gemini-nano-banana-2.1", 33_600, 114_000),
    ["gemini", "gemini-3-pro-image", "*", 134_000] satisfies Row,
    ["gemini", "gemini-3.1-flash-lite-image", "*", 34_000] satisfies Row,
    ["gemini", "gemini-2.5-flash-image", "*", 39_000] satisfies Row,
  ].map((each) => row(each, "2026-07-01")),
  ...([
    // Credits of a cent, by the price list of 2025-08-01.
    ["stability", "stable-image-core", "*", 30_000],
    ["stability", "stable-image-ultra", "*", 80_000],
    ["stability", "sd3.5-large", "*", 65_000],
    ["stability", "sd3.5-large-turbo", "*", 40_000],
    ["stability", "sd3.5-medium", "*", 35_000],
    ["stability", "sd3.5-flash", "*", 25_000],
    ["stability", "sd3-medium", "*", 35_000],
  ] satisfies Row[]).map((each) => row(each, "2025-08-01")),
  ...[
    ...rowsByMegapixel("fal", "fal-ai/flux/schnell", 3_000),
    ...rowsByMegapixel("fal", "fal-ai/flux-1/dev", 25_000),
    ...rowsByMegapixel("fal", "fal-ai/z-image/turbo", 5_000),
    ...rowsByMegapixel("fal", "fal-ai/flux-2-pro", 30_000, 15_000),
    ...rowsByMegapixel("fal", "fal-ai/flux-2-max", 70_000, 30_000),
    ["fal", "fal-ai/bytedance/seedream/v4.5", "*", 40_000] satisfies Row,
    ["fal", "fal-ai/nano-banana", "*", 39_000] satisfies Row,
    ["fal", "fal-ai/flux-pro/v1/fill", "*", 50_000] satisfies Row,
    // Credits of a cent.
    ...rowsByMegapixel("bfl", "flux-2-pro", 30_000, 15_000),
    ...rowsByMegapixel("bfl", "flux-2-max", 70_000, 30_000),
    ...rowsByMegapixel("bfl", "flux-2-flex", 50_000),
    ...rowsByMegapixel("bfl", "flux-2-klein-9b", 15_000, 2_000),
    ...rowsByMegapixel("bfl", "flux-2-klein-4b", 14_000, 1_000),
    ["bfl", "flux-pro-1.0-fill", "*", 50_000] satisfies Row,
    ["replicate", "black-forest-labs/flux-schnell", "*", 3_000] satisfies Row,
    ["replicate", "black-forest-labs/flux-dev", "*", 25_000] satisfies Row,
    ["replicate", "black-forest-labs/flux-kontext-pro", "*", 40_000] satisfies Row,
    ["replicate", "black-forest-labs/flux-fill-pro", "*", 50_000] satisfies Row,
    ["replicate", "bytedance/seedream-4", "*", 30_000] satisfies Row,
    ["replicate", "google/nano-banana", "*", 39_000] satisfies Row,
    ["replicate", "qwen/qwen-image", "*", 25_000] satisfies Row,
  ].map((each) => row(each, "2026-06-01")),
];

const openAiTokens = { textIn: 5_000_000, cachedTextIn: 1_250_000, imageIn: 8_000_000, imageOut: 30_000_000 };

const shippedUsagePrices: readonly UsagePrice[] = [
  {
    provider: "openai",
    models: ["gpt-image-2", "gpt-image-2-high", "gpt-image-2.6-sunburst", "gpt-image-2.5-sunburst"],
    perMillion: openAiTokens,
    // Two previews of a hundred tokens, and what the price page rounds away.
    allowance: { imageOut: 220 },
    validFrom: "2026-04-21",
  },
  {
    provider: "openai",
    models: ["gpt-image-2-low"],
    perMillion: openAiTokens,
    allowance: {},
    validFrom: "2026-04-21",
  },
  {
    provider: "gemini",
    models: ["gemini-nano-banana-2.1"],
    perMillion: { textIn: 1_500_000, imageIn: 1_500_000, textOut: 7_500_000, imageOut: 30_000_000 },
    allowance: { textOut: 1500 },
    validFrom: "2026-10-06",
  },
  {
    provider: "gemini",
    models: ["gemini-2.5-flash-image"],
    perMillion: { textIn: 300_000, imageIn: 300_000, textOut: 2_500_000, imageOut: 30_000_000 },
    allowance: { textOut: 500 },
    validFrom: "2026-07-01",
  },
];

/** A row that an admin added; it counts before a shipped one of the same day. */
export interface AddedPrice extends PriceRow {
  /** The admin's user id, and when. */
  by: string;
  addedAt: number;
}

/** Where several nodes use the store: the rows that admins added, on whichever of them, as far as the book has them. */
export interface SharedPrices {
  /** All that were added up to this version of `price_added` are in the book; null: none was added. */
  known(): string | null;
  /** Puts in what was added since. */
  load(): Promise<void>;
}

export interface PriceBook {
  /**
   * The row for one picture at that time; null where the model has no price. Two providers may call their models alike:
   * the provider's own rows count, and for a `seller` no others do. A `lane` has rows of its own.
   */
  price(
    query: {
      model: string;
      size: string;
      at: number;
      provider?: string;
      seller?: string;
      lane?: PriceRow["lane"];
    },
  ): PriceRow | null;
  /** What tokens of a model cost at that time; null where its price is by the picture. */
  usagePrice(query: { model: string; at: number }): UsagePrice | null;
  /** Every row, the history included: by model, lane and size, the latest first. */
  rows(): (PriceRow | AddedPrice)[];
  /** A row that is there already is not added again. */
  add(row: AddedPrice): void;
}

export function createPriceBook(
  shipped: readonly PriceRow[],
  usagePrices: readonly UsagePrice[] = shippedUsagePrices,
): PriceBook {
  const rows: (PriceRow | AddedPrice)[] = [...shipped];
  const addedAt = (row: PriceRow | AddedPrice) => "addedAt" in row ? row.addedAt : 0;
  const latestFirst = (a: PriceRow | AddedPrice, b: PriceRow | AddedPrice) =>
    b.validFrom.localeCompare(a.validFrom) || addedAt(b) - addedAt(a);
  const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);
  return {
    price({ model, size, at, provider, seller, lane }) {
      const day = dayOf(at);
      const ofModel = rows.filter((r) => r.model === model && r.lane === lane);
      const own = ofModel.filter((r) => r.provider === (seller ?? provider));
      const valid = (own.length > 0 || seller !== undefined ? own : ofModel).filter((r) =>
        r.validFrom <= day && (r.size === size || r.size === "*")
      );
      valid.sort((a, b) => Number(b.size === size) - Number(a.size === size) || latestFirst(a, b));
      return valid[0] ?? null;
    },
    usagePrice({ model, at }) {
      const day = dayOf(at);
      const valid = usagePrices.filter((price) => price.models.includes(model) && price.validFrom <= day);
      valid.sort((a, b) => b.validFrom.localeCompare(a.validFrom));
      return valid[0] ?? null;
    },
    rows: () =>
      rows.toSorted((a, b) =>
        a.model.localeCompare(b.model) || (a.lane ?? "").localeCompare(b.lane ?? "") ||
        a.size.localeCompare(b.size) || latestFirst(a, b)
      ),
    add(row) {
      const isSame = (other: PriceRow | AddedPrice) =>
        "addedAt" in other && other.provider === row.provider && other.model === row.model &&
        other.size === row.size && other.validFrom === row.validFrom && other.lane === row.lane;
      if (!rows.some(isSame)) rows.push(row);
    },
  };
}

/** What these tokens cost, in whole micro-dollars. */
export function costOfUsage(usage: Usage, price: UsagePrice): number {
  return Math.round(microsOf(usage, price));
}

/** The most that one picture of this text can cost beyond its row, in whole micro-dollars. */
export function mostBeyondRow(text: string, price: UsagePrice | null): number {
  if (price === null) return 0;
  // No tokenizer makes more tokens than there are bytes.
  const textIn = new TextEncoder().encode(text).length;
  return Math.ceil(microsOf({ ...price.allowance, textIn }, price));
}

function microsOf(usage: Usage, { perMillion }: UsagePrice): number {
  const kinds = Object.entries(usage) as [UsageKind, number][];
  return kinds.reduce((sum, [kind, count]) => sum + count * (perMillion[kind] ?? 0), 0) / 1_000_000;
}
