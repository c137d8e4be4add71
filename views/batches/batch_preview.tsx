/** What a batch would be, before anything is held: how many, how dear at most, how long, and the terms to start it on. */
import type { EconomyOffer } from "../../lib/batches/economy.ts";
import type { BatchPlan, BatchRow } from "../../lib/batches/plan.ts";
import type { Board } from "../../lib/boards/board.ts";
import type { TermsForm } from "../../lib/batches/terms.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { PromptRequest } from "../../lib/prompts/prompt.ts";
import { BoardField } from "../boards/board_field.tsx";
import { dollars, money, plural, size } from "../shell/format.ts";
import { roughly, valuesInWords } from "./batch_words.ts";
import { economyWords } from "./lot_lines.tsx";

export interface PreviewProps {
  plan: BatchPlan;
  /** Names what was previewed, so that just that is started. */
  planId: string;
  /** Names this page, so that a button that is pressed twice starts one batch. */
  requestKey: string;
  terms: TermsForm;
  /** In milliseconds; null: nothing is known of how long such prompts take. */
  estimateMs: number | null;
  budget: BudgetState;
  userId: string;
  /** All onto which the person may put pictures. */
  boards: readonly Board[];
  /** How it would be in the economy lane; null: not for these models. */
  economy: EconomyOffer | null;
  /** In which a deadline is told. */
  zone: string;
}

const promptsShown = 10;

export function BatchPreview(props: PreviewProps) {
  const { plan, estimateMs, budget } = props;
  const { rows, images, mostMicros, byModel, axes } = plan;
  const left = budget.remainingMicros;
  return (
    <>
      <div class="batch-sum">
        <h2 id="preview-heading">
          {plural(images, "picture")} from {plural(rows.length, "row")}
        </h2>
        <p>
          <strong class="most">{mostMicros === 0 ? "free" : `at most ${money(mostMicros)}`}</strong>
          <span class="muted">
            {estimateMs === null
              ? "How long it takes is not known yet."
              : `About ${roughly(estimateMs)}, from earlier runs.`}
          </span>
        </p>
        {axes !== null && (
          <p class="muted">
            A table: {axes.map(({ field, values }) => valuesInWords(values.length, field)).join(" by ")}.
          </p>
        )}
        {left !== null && mostMicros > left && (
          <p class="warning">
            {dollars(left)} is left of this month's budget: set a limit of at most that, or ask for less.
          </p>
        )}
      </div>
      {byModel.length > 1 && <ByModel byModel={byModel} />}
      <StartForm {...props} />
      <div>
        <ol class="first-rows">
          {rows.slice(0, promptsShown).map((row) => <Row row={row} />)}
        </ol>
        {rows.length > promptsShown && (
          <p class="muted">and {plural(rows.length - promptsShown, "more row")}</p>
        )}
      </div>
    </>
  );
}

function ByModel({ byModel }: Pick<BatchPlan, "byModel">) {
  return (
    <table class="sums">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col" class="number">Rows</th>
          <th scope="col" class="number">Pictures</th>
          <th scope="col" class="number">At most</th>
        </tr>
      </thead>
      <tbody>
        {byModel.map(({ model, rows, images, costMicros }) => (
          <tr>
            <th scope="row">{model}</th>
            <td class="number">{rows}</td>
            <td class="number">{images}</td>
            <td class="number">{money(costMicros)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Row({ row: { request } }: { row: BatchRow }) {
  return (
    <li>
      <span class="text" dir="auto">{request.text}</span>
      <span class="muted">{settingsOf(request)}</span>
    </li>
  );
}

function settingsOf({ model, imageSize, count, options, edit }: PromptRequest): string {
  const { seed, guidance, steps, negativePrompt } = options;
  return [
    model,
    size(imageSize),
    count > 1 && plural(count, "picture"),
    seed !== undefined && `seed ${seed}`,
    guidance !== undefined && `guidance ${guidance}`,
    steps !== undefined && plural(steps, "step"),
    negativePrompt !== undefined && `without ${negativePrompt}`,
    edit !== undefined && plural(edit.sources.length, "source"),
  ].filter(Boolean).join(" · ");
}

function StartForm({ plan, planId, requestKey, terms, userId, boards, economy, zone }: PreviewProps) {
  const { images, mostMicros } = plan;
  return (
    <form class="start-batch" method="post" action="/batches">
      <input type="hidden" name="planId" value={planId} />
      <input type="hidden" name="requestKey" value={requestKey} />
      <div class="pair">
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            value={terms.name}
            maxlength={80}
            dir="auto"
            autocomplete="off"
            placeholder="as its first prompt"
          />
        </div>
        {mostMicros > 0 && (
          <div class="field">
            <label for="limit">Spend at most, in dollars</label>
            <input
              id="limit"
              name="limit"
              value={terms.limit}
              inputmode="decimal"
              autocomplete="off"
              placeholder={String(mostMicros / 1_000_000)}
            />
          </div>
        )}
        <div class="field">
          <label for="stopAtStars">Stop when so many have a star</label>
          <input
            id="stopAtStars"
            name="stopAtStars"
            type="number"
            inputmode="numeric"
            min={1}
            max={images}
            value={terms.stopAtStars}
          />
        </div>
        <div class="field">
          <label for="deadline">Begin no row after</label>
          <input
            id="deadline"
            name="deadline"
            type="datetime-local"
            value={terms.deadline}
            aria-describedby="deadline-zone"
          />
          <p id="deadline-zone" class="muted">{zone} time</p>
        </div>
        <BoardField
          {...{ userId, boards }}
          chosenId={terms.boardId}
          namedIds={plan.rows.flatMap(({ filing }) => filing?.boardId ?? [])}
        />
      </div>
      {economy !== null && <LaneField {...{ terms, mostMicros, economy }} />}
      <button class="primary" type="submit" name="price" value={mostMicros}>
        Start {plural(images, "picture")} · {mostMicros === 0 ? "free" : `at most ${money(mostMicros)}`}
      </button>
    </form>
  );
}

function LaneField(
  { terms, mostMicros, economy }: { terms: TermsForm; mostMicros: number; economy: EconomyOffer },
) {
  const isEconomy = terms.lane === "economy";
  return (
    <fieldset class="field lanes">
      <legend>When</legend>
      <div class="choices">
        <label class="choice">
          <input type="radio" name="lane" value="now" checked={!isEconomy} />
          <span>Now</span>
        </label>
        <label class="choice">
          <input type="radio" name="lane" value="economy" checked={isEconomy} />
          <span>Economy</span>
        </label>
      </div>
      <label class="check">
        <input
          type="checkbox"
          name="fallback"
          value="full price"
          checked={terms.fallback === "full price"}
        />
        <span>What economy does not get done: at full price, as far as the limit covers it</span>
      </label>
      <p class="muted">Economy: {economyWords(economy, { insteadOfMicros: mostMicros })}.</p>
    </fieldset>
  );
}
