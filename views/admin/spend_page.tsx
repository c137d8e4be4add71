/** What all spent in a month, by day, model and user, and the charges in doubt. */
import type { LedgerEntry } from "../../lib/money/ledger.ts";
import type { SpendOfAll } from "../../lib/accounts/spend_view.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout, type Names } from "./layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { dollars, monthName } from "../shell/format.ts";
import { SpendChart, SpendTable } from "../money/spend_chart.tsx";
import { Time } from "../shell/time.tsx";

export function AdminSpendPage({ user, name, spend, inDoubt, names, earlier, later, problem }: {
  user: User;
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
            <h2 id="all">All of {monthName(name)}: {dollars(spend.all.spentMicros)}</h2>
            <nav class="actions" aria-label="Months">
              <a class="button quiet" href={`/admin/spend?month=${earlier}`}>Earlier</a>
              {later && <a class="button quiet" href={`/admin/spend?month=${later}`}>Later</a>}
              <a class="button quiet" href={`/admin/spend.csv?month=${name}`} download>Export as CSV</a>
              <a class="button quiet" href={`/admin/spend-by.csv?month=${name}`} download>
                By person and model (CSV)
              </a>
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
                    <th scope="row" dir="auto">{each?.name ?? "Deleted accounts"}</th>
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
          <input id={`note-${promptId}`} name="note" dir="auto" maxlength={200} required autocomplete="off" />
        </div>
        <button type="submit">Put right</button>
      </form>
    </li>
  );
}
