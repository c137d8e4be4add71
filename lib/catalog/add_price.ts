/** Prices that admins add to the book: from a day on, so that what was booked and what is being made keep theirs. */
import { addAudit } from "../users/audit.ts";
import type { Log } from "../log.ts";
import { Refusal } from "../refusal.ts";
import type { Models } from "./models.ts";
import type { PriceRow } from "../money/charge.ts";
import type { AddedPrice, PriceBook, SharedPrices } from "./price_book.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import { watchKey } from "../store/watch_key.ts";

/** Puts the rows that were added earlier into the book. */
export async function loadAddedPrices(store: Store, prices: PriceBook): Promise<void> {
  for await (const { value } of store.kv.list<AddedPrice>({ prefix: [...kinds.prices] })) prices.add(value);
}

/** `loadAddedPrices` for a book that has to know how far it is. */
export function createSharedPrices(store: Store, prices: PriceBook): SharedPrices {
  let known: string | null = null;
  return {
    known: () => known,
    async load() {
      // Read before the rows, so that none of its time is missed. Rows only come, so two loads do each other no harm.
      const head = await read(store.kv, keys.priceAdded());
      await loadAddedPrices(store, prices);
      known = head?.versionstamp ?? null;
    },
  };
}

/** Until the signal is aborted, puts in what is added, on whichever node that is. */
export async function followAddedPrices(
  store: Store,
  { prices, shared, log, signal }: {
    prices: PriceBook;
    shared?: SharedPrices;
    log: Log;
    signal: AbortSignal;
  },
): Promise<void> {
  const onWrite = () => shared?.load() ?? loadAddedPrices(store, prices);
  await watchKey(store.kv, { key: keys.priceAdded(), onWrite, log, signal });
}

/**
 * Adds a row for a model on offer and one of its sizes, or "*" for those without a row of their own. Refuses with
 * `invalid_request` what is no price, day or size, and with `conflict` a second row for the same day.
 */
export async function addPrice(
  { store, models, prices }: { store: Store; models: Models; prices: PriceBook },
  { model: id, size, costMicros, validFrom, lane, by }: {
    model: string;
    size: string;
    costMicros: number;
    lane?: PriceRow["lane"];
    /** ISO date (UTC), today or later. */
    validFrom: string;
    by: string;
  },
): Promise<AddedPrice> {
  const model = models.choose(id);
  if (lane === "economy" && model.lots === undefined) {
    throw new Refusal(
      "invalid_request",
      `${id} is not made in lots, so it has no price for the economy lane`,
      {
        field: "lane",
      },
    );
  }
  if (size !== "*" && !model.sizes.includes(size)) {
    throw new Refusal("invalid_request", `${id} does not offer the size ${size}`, { field: "size" });
  }
  const today = new Date(store.now()).toISOString().slice(0, 10);
  if (Number.isNaN(Date.parse(`${validFrom}T00:00:00Z`)) || validFrom < today) {
    throw new Refusal("invalid_request", "A price counts from today on, or from a later day", {
      field: "validFrom",
    });
  }
  const { quality, perSourceMicros } = models.price({
    model: id,
    size: size === "*" ? model.sizes[0] : size,
  });
  const row: AddedPrice = {
    provider: model.seller ?? model.provider,
    model: model.wireId ?? id,
    size,
    quality,
    costMicros,
    // Lots are of pictures from words alone.
    ...(perSourceMicros !== undefined && lane === undefined && { perSourceMicros }),
    ...(lane !== undefined && { lane }),
    validFrom,
    by,
    addedAt: store.now(),
  };
  const key = keys.price(model.seller === undefined ? id : `${model.seller} ${id}`, size, validFrom, lane);
  const atomic = store.kv.atomic().check({ key, versionstamp: null }).set(key, row)
    .set(keys.priceAdded(), row.addedAt);
  const detail = [id, size, costMicros, validFrom, ...lane === undefined ? [] : [lane]].join(" ");
  addAudit(atomic, { store, actorId: by, subjectId: null, action: "price_added", detail });
  const added = await commit(atomic);
  if (added === null) {
    const where = lane === undefined ? "" : ` in the ${lane} lane`;
    throw new Refusal(
      "conflict",
      `There is a price for ${id} at ${size}${where} from ${validFrom} on already`,
    );
  }
  prices.add(row);
  return row;
}
