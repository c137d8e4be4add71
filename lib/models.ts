/** The models on offer: those of all providers that are switched on, until they retire. */
import { Refusal, StartError } from "./errors.ts";
import type { PriceBook, PriceRow } from "./price_book.ts";
import type { Model, Provider } from "./provider.ts";

export interface Models {
  /** Those that may be chosen now, the default first. */
  available(): Model[];
  /** A model that may be chosen now; refuses with `invalid_model`. */
  choose(id: string | undefined): Model;
  /** Any model by id, retired ones included, or null when its provider is switched off. */
  find(id: string): { model: Model; provider: Provider } | null;
  /** The row for one picture, now. */
  price(query: { model: string; size: string }): PriceRow;
}

export function createModels(
  { providers, prices, defaultModel, now }: {
    providers: readonly Provider[];
    prices: PriceBook;
    defaultModel: string | undefined;
    now: () => number;
  },
): Models {
  const all = providers.flatMap((provider) => provider.models.map((model) => ({ model, provider })));
  const first = defaultModel ?? all.find(({ provider }) => provider.id !== "sketch")?.model.id ?? "sketch";
  const available = () => {
    const today = new Date(now()).toISOString().slice(0, 10);
    const models = all.map(({ model }) => model).filter((m) => m.retiresAt === null || m.retiresAt > today);
    return models.toSorted((a, b) => Number(b.id === first) - Number(a.id === first));
  };
  if (!available().some((model) => model.id === first)) {
    throw new StartError(`DEFAULT_MODEL takes one of ${available().map((model) => model.id).join(", ")}`);
  }
  return {
    available,
    choose(id) {
      const models = available();
      const chosen = id === undefined ? models[0] : models.find((model) => model.id === id);
      if (chosen !== undefined) return chosen;
      throw unknownModel(models);
    },
    find: (id) => all.find(({ model }) => model.id === id) ?? null,
    price({ model, size }) {
      const row = prices.price({ model, size, at: now() });
      if (row === null) throw new Error(`The price book has no row for ${model} at ${size}`);
      return row;
    },
  };
}

export function unknownModel(available: readonly Model[]): Refusal {
  const names = available.map((model) => model.id).join(", ");
  return new Refusal("invalid_model", `Unknown model. Available: ${names}`, { field: "model" });
}
