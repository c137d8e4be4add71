/** Four answers at a glance: what is running, what did I make, what did it cost, what is left. */
import { Figure } from "./figure.tsx";
import type { Account, Month } from "../../lib/money/account.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { ImageView, PromptView } from "../../lib/live/prompt_view.ts";
import type { Lately } from "../../lib/statistics/lately.ts";
import type { User } from "../../lib/users/user.ts";
import { dollars, monthName } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Tile } from "../images/picture.tsx";
import { PromptCard } from "../prompts/prompt_card.tsx";
import { LatelyFigures, latelyId } from "../statistics/lately.tsx";
import { SpendChart, SpendTable } from "../money/spend_chart.tsx";

export interface Figures {
  budget: BudgetState;
  account: Account;
  /** By how much the economy lane was cheaper this month. */
  savedMicros: number;
  imageCount: number;
  lately: Lately;
}

export interface DashboardProps extends Figures {
  user: User;
  cursor: string;
  running: PromptView[];
  recent: ImageView[];
  shown: { name: string; month: Month; earlier: string; later: string | null };
}

export function DashboardPage({ user, cursor, running, recent, shown, lately, ...figures }: DashboardProps) {
  const { name, month, earlier, later } = shown;
  const isBusy = running.length > 0;
  return (
    <Layout title="Dashboard" user={user} current="/dashboard" live={{ page: "dashboard", cursor, isBusy }}>
      <div class="heading">
        <h1>Dashboard</h1>
        <div class="actions">
          <a class="button primary" href="/generator">Generate image</a>
          <a class="button" href="/profile">Edit profile</a>
        </div>
      </div>
      <div class="board">
        <FiguresList {...figures} />
        <span id="renewal" hidden></span>
        <section aria-labelledby="running-now">
          <h2 id="running-now">Running now</h2>
          <div id="running" class="feed">{running.map((view) => <PromptCard view={view} />)}</div>
          <p class="muted nothing">Nothing is running.</p>
        </section>
        <section class="recent" aria-labelledby="recent">
          <h2 id="recent">Recent pictures</h2>
          <ul id="recent-images" class="tiles strip" data-keep="6">
            {recent.map((view) => <Tile view={view} />)}
          </ul>
          <nav class="more" aria-label="Pictures">
            <a class="button quiet" href="/gallery">All pictures</a>
          </nav>
        </section>
        <div class="side-by-side">
          <section class="lately" aria-labelledby="lately">
            <div class="heading">
              <h2 id="lately">The last 30 days</h2>
              <nav class="actions" aria-label="Numbers">
                <a class="button quiet" href="/usage">All numbers</a>
              </nav>
            </div>
            <LatelyFigures lately={lately} />
          </section>
          <section aria-labelledby="spend">
            <div class="heading">
              <h2 id="spend">Spend in {monthName(name)}</h2>
              <nav class="actions" aria-label="Months">
                <a class="button quiet" href={`/dashboard?month=${earlier}#spend`}>Earlier</a>
                {later && <a class="button quiet" href={`/dashboard?month=${later}#spend`}>Later</a>}
                <a class="button quiet" href={`/usage.csv?month=${name}`} download>Export as CSV</a>
              </nav>
            </div>
            <MonthSpend name={name} month={month} />
          </section>
        </div>
      </div>
    </Layout>
  );
}

/** By day and by model. */
function MonthSpend({ name, month }: { name: string; month: Month }) {
  return (
    <div id={monthId(name)} class="month">
      <SpendChart name={name} month={month} />
      {Object.keys(month.models).length > 0 && <SpendTable heading="Model" spends={month.models} />}
    </div>
  );
}

const monthId = (name: string) => `month-${name}`;

/** Asked for again when something has ended. The month goes where the page shows that one. */
export function FiguresFragment(
  { name, month, lately, ...figures }: Figures & { name: string; month: Month },
) {
  return (
    <>
      <FiguresList {...figures} />
      <hx-partial hx-target={`#${monthId(name)}`} hx-swap="outerMorph">
        <MonthSpend name={name} month={month} />
      </hx-partial>
      <hx-partial hx-target={`#${latelyId}`} hx-swap="outerMorph">
        <LatelyFigures lately={lately} />
      </hx-partial>
    </>
  );
}

function FiguresList({ budget, account, savedMicros, imageCount }: Omit<Figures, "lately">) {
  const { limitMicros, spentMicros, heldMicros, remainingMicros } = budget;
  return (
    <dl id="figures" class="figures">
      <Figure name="Pictures made" value={String(imageCount)} />
      <Figure name="Spent in all" value={dollars(account.chargedMicros)} />
      <Figure name="Spent this month" value={dollars(spentMicros)} />
      {savedMicros > 0 && <Figure name="Saved this month" value={dollars(savedMicros)} detail="by economy" />}
      <Figure name="Set aside" value={dollars(heldMicros)} />
      <Figure
        name="Left this month"
        value={remainingMicros === null ? "no limit" : dollars(remainingMicros)}
        detail={limitMicros === null ? undefined : `of ${dollars(limitMicros)}`}
      />
    </dl>
  );
}
