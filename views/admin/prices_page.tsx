/** The price book: its rows with their history, a form for another, and how far reports drift from it. */
import type { AddedPrice } from "../../lib/catalog/price_book.ts";
import type { Drift } from "../../lib/accounts/spend_view.ts";
import type { Model } from "../../lib/catalog/provider.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout, type Names } from "./layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { dollars, size, sizeWords } from "../shell/format.ts";
import { Records } from "../shell/records.tsx";
import type { PriceRow } from "../../lib/money/charge.ts";

export function AdminPricesPage({ user, rows, models, drift, names, today, problem }: {
  user: User;
  rows: (PriceRow | AddedPrice)[];
  models: readonly Model[];
  drift: Drift[];
  names: Names;
  /** ISO date (UTC). */
  today: string;
  problem: string | null;
}) {
  return (
    <AdminLayout name="Prices" user={user} current="/admin/prices">
      {problem && <ErrorText message={problem} />}
      <div class="board">
        <section aria-labelledby="add">
          <h2 id="add">Add a price</h2>
          <p class="muted">
            It counts from its day on for what is asked for then. What was accepted before keeps its price.
          </p>
          <AddPriceForm models={models} today={today} />
        </section>
        <section aria-labelledby="rows">
          <h2 id="rows">The price book</h2>
          <PriceTable rows={rows} names={names} />
        </section>
        <section aria-labelledby="drift">
          <h2 id="drift">Drift</h2>
          <p class="muted">
            Of the latest pictures whose cost the provider reported: what was charged, and what the price book
            says.
          </p>
          {drift.length === 0 ? <p>No provider has reported a cost yet.</p> : <DriftTable drift={drift} />}
        </section>
      </div>
    </AdminLayout>
  );
}

function PriceTable({ rows, names }: { rows: (PriceRow | AddedPrice)[]; names: Names }) {
  const byModel = Map.groupBy(rows, ({ model }) => model);
  return (
    <table class="sums prices">
      <thead>
        <tr>
          <th scope="col">Size</th>
          <th scope="col" class="number">A picture</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      {Array.from(byModel, ([model, ofModel]) => (
        <tbody>
          <tr>
            <th scope="rowgroup" colspan={3}>
              {model} <span class="muted">{ofModel[0].quality} quality</span>
            </th>
          </tr>
          {ofModel.map((row) => (
            <tr>
              <th scope="row">{sizeWords(row.size) + (row.lane ? `, ${row.lane} lane` : "")}</th>
              <td class="number">{dollars(row.costMicros)}</td>
              <td>
                <span class="date">{row.validFrom}</span>{" "}
                {"by" in row && (
                  <span class="muted">added by {names.get(row.by) ?? "a deleted account"}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}

function AddPriceForm({ models, today }: { models: readonly Model[]; today: string }) {
  const sizes = [...new Set(models.flatMap((model) => model.sizes))];
  return (
    <form class="row" method="post" action="/admin/prices">
      <div class="field">
        <label for="model">Model</label>
        <select id="model" name="model">
          {models.map(({ id, name }) => <option value={id}>{name}</option>)}
        </select>
      </div>
      <div class="field">
        <label for="size">Size</label>
        <select id="size" name="size">
          <option value="*">any without a row of its own</option>
          {sizes.map((each) => <option value={each}>{size(each)}</option>)}
        </select>
      </div>
      <div class="field">
        <label for="cost">A picture, in dollars</label>
        <input id="cost" name="cost" inputmode="decimal" required autocomplete="off" />
      </div>
      <div class="field">
        <label for="lane">Lane</label>
        <select id="lane" name="lane">
          <option value="now">now</option>
          {models.some(({ lots }) => lots) && <option value="economy">economy, in batches</option>}
        </select>
      </div>
      <div class="field">
        <label for="validFrom">From (UTC)</label>
        <input id="validFrom" name="validFrom" type="date" value={today} min={today} required />
      </div>
      <button type="submit">Add</button>
    </form>
  );
}

function DriftTable({ drift }: { drift: Drift[] }) {
  return (
    <Records columns={["Model", "Pictures", "Charged", "By the book", "Drift"]}>
      {drift.map(({ model, pictures, chargedMicros, tableMicros }) => (
        <tr>
          <th scope="row">{model}</th>
          <td data-name="Pictures" class="number">{pictures}</td>
          <td data-name="Charged" class="number">{dollars(chargedMicros)}</td>
          <td data-name="By the book" class="number">{dollars(tableMicros)}</td>
          <td data-name="Drift" class="number">{driftWords({ chargedMicros, tableMicros })}</td>
        </tr>
      ))}
    </Records>
  );
}

function driftWords({ chargedMicros, tableMicros }: Pick<Drift, "chargedMicros" | "tableMicros">): string {
  if (tableMicros === 0) return chargedMicros === 0 ? "none" : "not in the book";
  const percent = (chargedMicros / tableMicros - 1) * 100;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}
