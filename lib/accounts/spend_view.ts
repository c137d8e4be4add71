/** What all users spent in a month, what the provider reported against what the price book says, and every charge. */
import { type Month, monthOf, nobody, sumMonths } from "../money/account.ts";
import { type Correction, type LedgerEntry, readMonth } from "../money/ledger.ts";
import { keys, kinds } from "../store/schema.ts";
import { readMany, type Store } from "../store/store.ts";
import { listUsers, type User } from "../users/user.ts";

export interface SpendOfAll {
  all: Month;
  /** Those who spent or made something; null for deleted accounts together. */
  users: { user: User | null; month: Month }[];
}

export async function readSpendOfAll(store: Store, month: string): Promise<SpendOfAll> {
  const people: (User | null)[] = [...await listUsers(store), null];
  const months = await Promise.all(
    people.map((user) => readMonth(store, { userId: user?.id ?? nobody, month })),
  );
  const users = people.map((user, index) => ({ user, month: months[index] }))
    .filter(({ month }) => Object.keys(month.models).length > 0);
  return { all: sumMonths(months), users };
}

/** How far what was charged by report lies from what the price book says of the same pictures. */
export interface Drift {
  model: string;
  pictures: number;
  chargedMicros: number;
  tableMicros: number;
}

const lookedAt = 2000;

/** Of the latest charges that a provider's report decided, by model. */
export async function readDrift(store: Store): Promise<Drift[]> {
  const latest = store.kv.list<LedgerEntry>({ prefix: [...kinds.ledger] }, {
    reverse: true,
    limit: lookedAt,
    batchSize: 500,
  });
  const byModel = new Map<string, Drift>();
  for await (const { value: { basis, model, images, costMicros, tableMicros } } of latest) {
    if (images === 0 || (basis !== "reported" && basis !== "computed")) continue;
    const drift = byModel.get(model) ?? { model, pictures: 0, chargedMicros: 0, tableMicros: 0 };
    byModel.set(model, {
      model,
      pictures: drift.pictures + images,
      chargedMicros: drift.chargedMicros + costMicros,
      tableMicros: drift.tableMicros + tableMicros,
    });
  }
  return [...byModel.values()].sort((a, b) => a.model < b.model ? -1 : 1);
}

const chargesAtOnce = 500;

/** Every charge of a month, whoever's, oldest prompt first. */
export async function* listChargesOfAll(
  store: Store,
  month: string,
): AsyncGenerator<{ entry: LedgerEntry; correction: Correction | null }> {
  let found: LedgerEntry[] = [];
  for await (
    const { value } of store.kv.list<LedgerEntry>({ prefix: [...kinds.ledger] }, { batchSize: 500 })
  ) {
    if (monthOf(value.at) === month) found.push(value);
    if (found.length < chargesAtOnce) continue;
    yield* withCorrections(store, found);
    found = [];
  }
  yield* withCorrections(store, found);
}

async function* withCorrections(store: Store, entries: LedgerEntry[]) {
  const corrections = await readMany<Correction>(
    store.kv,
    entries.map(({ promptId }) => keys.correction(promptId)),
  );
  for (const [index, entry] of entries.entries()) {
    yield { entry, correction: corrections[index]?.value ?? null };
  }
}
