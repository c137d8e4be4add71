/** The models on offer: those of all providers that are switched on, until they retire. */
import { Refusal, StartError } from "../refusal.ts";
import { mostBeyondRow, type PriceBook, type SharedPrices } from "./price_book.ts";
import type { Model, Provider } from "./provider.ts";
import { type PriceRow, scaledByLane } from "../money/charge.ts";

export interface Models {
  readonly providers: readonly Provider[];
  /** Those that may be chosen now, the default first. */
  available(): Model[];
  /** A model that may be chosen now; refuses with `invalid_model`. */
  choose(id: string | undefined): Model;
  /** Any model by id, retired ones included, or null when its provider is switched off. */
  find(id: string): { model: Model; provider: Provider } | null;
  /** A provider has not told yet which models it has, so one that is not found may still turn up. */
  areMoreExpected(): boolean;
  /** The row for one picture, now. */
  price(query: { model: string; size: string }): PriceRow;
  /**
   * The row for one picture that is made in a lot, with what it would cost by itself; null where it can't be, or has no
   * price: what it costs is never assumed.
   */
  economyPrice(query: { model: string; size: string }): EconomyRow | null;
  /** Absent: nobody else adds prices. */
  readonly sharedPrices?: SharedPrices;
  /** The most that a request can cost now, in micro-dollars: what is shown before and set aside for it. */
  quote(request: Quoted): number;
}

/** A row of the economy lane, which something can be held by. */
export interface EconomyRow extends PriceRow {
  lane: "economy";
  insteadOfMicros: number;
}

/** What a price depends on. */
export interface Quoted {
  model: string;
  imageSize: string;
  count: number;
  text: string;
  edit?: { askedSize: string; sources: readonly unknown[] };
  lane?: "economy";
}

/** Throws `StartError` where the default model is none of those on offer. */
export function createModels(
  { canFetch = true, providers, prices, sharedPrices, defaultModel, now }: {
    /** Providers can fetch pictures from this server; otherwise those that would have to are not given any. */
    canFetch?: boolean;
    providers: readonly Provider[];
    prices: PriceBook;
    sharedPrices?: SharedPrices;
    defaultModel: string | undefined;
    now: () => number;
  },
): Models {
  const all = () => canFetch ? offersOf(providers) : offersOf(providers).flatMap(withoutFetching);
  const available = () => {
    const today = new Date(now()).toISOString().slice(0, 10);
    const models = all().map(({ model }) => model)
      .filter((m) => m.retiresAt === null || m.retiresAt > today);
    const first = defaultModel ??
      models.find(({ provider, needsSource }) => provider !== "sketch" && !needsSource)?.id;
    return models.toSorted((a, b) => Number(b.id === first) - Number(a.id === first));
  };
  const find = (id: string) => all().find(({ model }) => model.id === id) ?? null;
  const areMoreExpected = () => providers.some((provider) => provider.models.length === 0);
  const rowOf = ({ model, size, lane }: { model: string; size: string; lane?: "economy" }) => {
    const offered = find(model)?.model;
    const { provider, seller } = offered ?? {};
    const inBook = prices.price({ model: offered?.wireId ?? model, provider, seller, size, lane, at: now() });
    return inBook ?? (lane === undefined ? listedRow(offered, size) : null);
  };
  const price = ({ model, size }: { model: string; size: string }) => {
    const row = rowOf({ model, size }) ?? freeRow(find(model)?.model);
    if (row === null) throw new Error(`The price book has no row for ${model} at ${size}`);
    return row;
  };
  const economyPrice = (query: { model: string; size: string }): EconomyRow | null => {
    const offer = find(query.model);
    if (offer?.model.lots === undefined || offer.provider.lots === undefined) return null;
    const row = rowOf({ ...query, lane: "economy" });
    return row && { ...row, lane: "economy", insteadOfMicros: price(query).costMicros };
  };

  if (
    defaultModel !== undefined && !available().some(({ id }) => id === defaultModel) && !areMoreExpected()
  ) {
    throw new StartError(`DEFAULT_MODEL takes one of ${available().map((model) => model.id).join(", ")}`);
  }
  return {
    providers,
    available,
    choose(id) {
      const models = available();
      const chosen = id === undefined ? models[0] : models.find((model) => model.id === id);
      if (chosen !== undefined) return chosen;
      throw unknownModel(models);
    },
    find,
    areMoreExpected,
    price,
    economyPrice,
    ...sharedPrices && { sharedPrices },
    quote({ model, imageSize, count, text, edit, lane }) {
      const offered = find(model)?.model;
      const isOwn = offered?.seller !== undefined;
      const usagePrice = isOwn ? offered?.listedUsage ?? null : prices.usagePrice({ model, at: now() });
      const beyond = mostBeyondRow(text, usagePrice);
      if (lane === "economy") {
        const row = economyPrice({ model, size: imageSize });
        if (row === null) throw notInLots(model);
        return (row.costMicros + scaledByLane(beyond, row)) * count;
      }
      const row = price({ model, size: edit?.askedSize ?? imageSize });
      const tasks = Math.ceil(count / (offered?.imagesPerTask ?? 1));
      const ofSources = (row.perSourceMicros ?? 0) * (edit?.sources.length ?? 0) * tasks;
      return (row.costMicros + beyond) * count + ofSources;
    },
  };
}

/** The refusal of a model, or of what is asked of it, that does not go in lots. */
export function notInLots(model: string): Refusal {
  return new Refusal("unsupported_option", `${model} is not offered in the economy lane`, { field: "lane" });
}

/**
 * Every model under an id of its own. One that is called like another's has its provider in front; a server that is
 * asked what it has never takes an id from those who always have theirs.
 */
function offersOf(providers: readonly Provider[]): { model: Model; provider: Provider }[] {
  const asksFor = ({ models }: Provider) => models.some(({ seller }) => seller !== undefined);
  const taken = new Set<string>();
  const renamed = new Map<Model, Model>();
  for (const { models } of providers.toSorted((a, b) => Number(asksFor(a)) - Number(asksFor(b)))) {
    for (const model of models) {
      const { id, provider } = model;
      if (taken.has(id)) renamed.set(model, { ...model, id: `${provider}/${id}`, wireId: id });
      taken.add(id);
    }
  }
  return providers.flatMap((provider) =>
    provider.models.map((model) => ({ model: renamed.get(model) ?? model, provider }))
  );
}

/** None of one that only changes pictures. */
function withoutFetching<O extends { model: Model }>(offer: O): O[] {
  const { model } = offer;
  if (model.edit?.sources.by !== "address") return [offer];
  return model.needsSource ? [] : [{ ...offer, model: { ...model, edit: null } }];
}

/** What its provider says that a picture of that size costs. */
function listedRow(model: Model | undefined, size: string): PriceRow | null {
  const rows = model?.listed ?? [];
  return rows.find((row) => row.size === size) ?? rows.find((row) => row.size === "*") ?? null;
}

/** A model that nobody bills, or for which nobody tells a price, needs no row of the book. */
function freeRow(model: Model | undefined): PriceRow | null {
  if (!model?.isFree && !model?.isUnpriced) return null;
  const { id } = model;
  const provider = model.seller ?? model.provider;
  return { provider, model: id, size: "*", quality: "standard", costMicros: 0, validFrom: "2026-01-01" };
}

export function unknownModel(available: readonly Model[]): Refusal {
  const names = available.map((model) => model.id).join(", ");
  return new Refusal("invalid_model", `Unknown model. Available: ${names}`, { field: "model" });
}
