/** For admins: what all spent, what is in doubt, what things cost, and how the providers and the queue are. */
import type { LedgerEntry } from "../lib/money/ledger.ts";
import type { AddedPrice, PriceRow } from "../lib/money/price_book.ts";
import type { Model, Provider, ProviderStatus } from "../lib/provider.ts";
import type { QueueView } from "../lib/prompts/queue_view.ts";
import type { Drift, SpendOfAll } from "../lib/money/spend_view.ts";
import type { User } from "../lib/users/user.ts";
import { AdminLayout } from "./admin_layout.tsx";
import { ErrorText } from "./error_text.tsx";
import { dollars, plural, size } from "./format.ts";
import { SpendChart, SpendTable } from "./spend_chart.tsx";
import { Time } from "./time.tsx";

interface AdminProps {
  user: User;
}

/** Names of users by their id; who has none is gone. */
export type Names = ReadonlyMap<string, string>;

export function AdminSpendPage({ user, name, spend, inDoubt, names, earlier, later, problem }: AdminProps & {
  name: string;
  spend: SpendOfAll;
  inDoubt: LedgerEntry[];
  names: Names;
  earlier: string;
  later: string | null;
  problem: string | null;
}) {
  return (
    <AdminLayout name="Spend" user={user} current="/admin/spend">
      {problem && <ErrorText message={problem} />}
      <div class="board">
        <section aria-labelledby="all">
          <div class="heading">
            <h2 id="all">All of {name}: {dollars(spend.all.spentMicros)}</h2>
            <nav class="actions" aria-label="Months">
              <a class="button quiet" href={`/admin/spend?month=${earlier}`}>Earlier</a>
              {later && <a class="button quiet" href={`/admin/spend?month=${later}`}>Later</a>}
              <a class="button quiet" href={`/admin/spend.csv?month=${name}`} download>Export as CSV</a>
            </nav>
          </div>
          <SpendChart name={name} month={spend.all} />
          {Object.keys(spend.all.models).length > 0 && (
            <SpendTable heading="Model" spends={spend.all.models} />
          )}
        </section>
        {spend.users.length > 0 && (
          <section aria-labelledby="by-user">
            <h2 id="by-user">By user</h2>
            <table class="sums">
              <thead>
                <tr>
                  <th scope="col">User</th>
                  <th scope="col" class="number">Pictures</th>
                  <th scope="col" class="number">Cost</th>
                </tr>
              </thead>
              <tbody>
                {spend.users.map(({ user: each, month }) => (
                  <tr>
                    <th scope="row">{each?.name ?? "Deleted accounts"}</th>
                    <td class="number">
                      {Object.values(month.models).reduce((sum, { images }) => sum + images, 0)}
                    </td>
                    <td class="number">{dollars(month.spentMicros)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
        <section aria-labelledby="in-doubt">
          <h2 id="in-doubt">In doubt</h2>
          <p class="muted">
            The connection was lost and nobody could say whether these were billed, so what was set aside is
            booked. Look them up at the provider and say what it billed: a correction is booked beside the
            charge.
          </p>
          {inDoubt.length === 0 ? <p>Nothing is in doubt.</p> : (
            <ul class="plain">
              {inDoubt.map((entry) => <InDoubt entry={entry} names={names} reader={user} />)}
            </ul>
          )}
        </section>
      </div>
    </AdminLayout>
  );
}

function InDoubt({ entry, names, reader }: { entry: LedgerEntry; names: Names; reader: User }) {
  const { promptId, userId, model, costMicros, at } = entry;
  return (
    <li>
      <form class="row" method="post" action={`/admin/spend/${promptId}`}>
        <p>
          {dollars(costMicros)} for {names.get(userId ?? "") ?? "a deleted account"}, {model},{" "}
          <Time at={at} zone={reader.timeZone} />
          <span class="muted">prompt {promptId}</span>
        </p>
        <div class="field">
          <label for={`billed-${promptId}`}>Billed, in dollars</label>
          <input id={`billed-${promptId}`} name="billed" inputmode="decimal" required autocomplete="off" />
        </div>
        <div class="field">
          <label for={`note-${promptId}`}>How you know</label>
          <input id={`note-${promptId}`} name="note" maxlength={200} required autocomplete="off" />
        </div>
        <button type="submit">Put right</button>
      </form>
    </li>
  );
}

export function AdminPricesPage({ user, rows, models, drift, names, today, problem }: AdminProps & {
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
          <table class="records">
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Size</th>
                <th scope="col">A picture</th>
                <th scope="col">Quality</th>
                <th scope="col">From</th>
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr>
                  <th scope="row">{row.model}</th>
                  <td data-name="Size">{row.size === "*" ? "any other" : size(row.size)}</td>
                  <td data-name="A picture" class="number">{dollars(row.costMicros)}</td>
                  <td data-name="Quality">{row.quality}</td>
                  <td data-name="From">{row.validFrom}</td>
                  <td data-name="Source">
                    {"by" in row
                      ? `added by ${names.get(row.by) ?? "a deleted account"}`
                      : "ships with Darkroom"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
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
        <label for="validFrom">From (UTC)</label>
        <input id="validFrom" name="validFrom" type="date" value={today} min={today} required />
      </div>
      <button type="submit">Add</button>
    </form>
  );
}

function DriftTable({ drift }: { drift: Drift[] }) {
  return (
    <table class="sums">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col" class="number">Pictures</th>
          <th scope="col" class="number">Charged</th>
          <th scope="col" class="number">By the book</th>
          <th scope="col" class="number">Drift</th>
        </tr>
      </thead>
      <tbody>
        {drift.map(({ model, pictures, chargedMicros, tableMicros }) => (
          <tr>
            <th scope="row">{model}</th>
            <td class="number">{pictures}</td>
            <td class="number">{dollars(chargedMicros)}</td>
            <td class="number">{dollars(tableMicros)}</td>
            <td class="number">{driftWords({ chargedMicros, tableMicros })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function driftWords({ chargedMicros, tableMicros }: Pick<Drift, "chargedMicros" | "tableMicros">): string {
  if (tableMicros === 0) return chargedMicros === 0 ? "none" : "not in the book";
  const percent = (chargedMicros / tableMicros - 1) * 100;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}

const stateWords: { [state in ProviderStatus["state"]]: string } = {
  ok: "answers",
  key_refused: "refuses the key",
  unreachable: "does not answer",
  trouble: "is in trouble",
};

export function AdminProvidersPage({ user, providers }: AdminProps & {
  providers: { provider: Provider; status: ProviderStatus | null }[];
}) {
  return (
    <AdminLayout name="Providers" user={user} current="/admin/providers">
      <table class="records">
        <thead>
          <tr>
            <th scope="col">Provider</th>
            <th scope="col">State</th>
            <th scope="col">Balance</th>
            <th scope="col">Models</th>
          </tr>
        </thead>
        <tbody>
          {providers.map(({ provider, status }) => (
            <tr>
              <th scope="row">{provider.name}</th>
              <td data-name="State">
                <span class={`status ${status === null || status.state === "ok" ? "completed" : "failed"}`}>
                  {status === null ? "built in" : stateWords[status.state]}
                </span>
                {status?.detail && <q class="muted">{status.detail.slice(0, 300)}</q>}
              </td>
              <td data-name="Balance">{status?.balance ?? "–"}</td>
              <td data-name="Models">
                {provider.models.length === 0 ? "not known yet" : provider.models.map(modelWords).join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">Each is asked again when this page is, at most twice a minute.</p>
    </AdminLayout>
  );
}

function modelWords({ id, retiresAt }: Model): string {
  return retiresAt === null ? id : `${id} (until ${retiresAt})`;
}

export function AdminQueuePage({ user, queue, names, isBusy }: AdminProps & {
  queue: QueueView;
  names: Names;
  isBusy: boolean;
}) {
  const { running, waiting, delayed } = queue;
  const nameOf = (userId: string) => names.get(userId) ?? "a deleted account";
  return (
    <AdminLayout name="Queue" user={user} current="/admin/queue">
      <div class="board">
        <section aria-labelledby="running">
          <h2 id="running">{plural(running.length, "prompt")} running</h2>
          {running.length > 0 && (
            <table class="records">
              <thead>
                <tr>
                  <th scope="col">User</th>
                  <th scope="col">Model</th>
                  <th scope="col">Accepted</th>
                </tr>
              </thead>
              <tbody>
                {running.map(({ userId, model, since, isCancelled }) => (
                  <tr>
                    <th scope="row">{nameOf(userId)}</th>
                    <td data-name="Model">{model}{isCancelled && ", cancelled and not billed yet"}</td>
                    <td data-name="Accepted">
                      <Time at={since} zone={user.timeZone} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
        <section aria-labelledby="waiting">
          <h2 id="waiting">
            {plural(waiting.reduce((sum, { count }) => sum + count, 0), "prompt")} waiting
          </h2>
          <ul class="plain">
            {waiting.map(({ userId, count }) => <li>{nameOf(userId)}: {count}</li>)}
          </ul>
        </section>
        <section aria-labelledby="delayed">
          <h2 id="delayed">{plural(delayed.length, "prompt")} to be tried again</h2>
          <ul class="plain">
            {delayed.map(({ readyAt }) => (
              <li>
                <Time at={readyAt} zone={user.timeZone} />
              </li>
            ))}
          </ul>
        </section>
        {isBusy && <a class="button" href="/admin/queue">Look again</a>}
      </div>
    </AdminLayout>
  );
}
