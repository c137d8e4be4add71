/** The promises as pure functions over evidence. Each names every case it looked at, and shows what broke with the fewest facts. */
import { type Evidence, isFinal, type RestingPrompt, type Told } from "./evidence.ts";
import type { Finding, PromiseName, Violation } from "./promises.ts";

export function checkAll(evidence: Evidence): Finding[] {
  return checks.map((check) => check(evidence));
}

const checks = [
  acceptedIsKept,
  finalIsFinal,
  submittedOnce,
  resumedById,
  ledgerIsBill,
  nothingHeld,
  budgetHolds,
  batchesAreKept,
  picturesAreWhole,
  indexesAgree,
  readersAreTold,
];

/** A prompt during which the process died so often is not tried again, whoever killed it. */
const crashesOfASuspect = 3;

export function acceptedIsKept({ told, rest, isHonest, kills }: Evidence): Finding {
  const accepted = told.filter((each) => each.what === "accepted");
  const resting = new Map(rest.prompts.map((prompt) => [prompt.id, prompt]));
  const byKey = new Map<string, Told & { what: "accepted" }>();
  const violations = accepted.flatMap((each): Violation[] => {
    const trace = [show(each)];
    const first = byKey.get(`${each.user} ${each.key}`) ?? each;
    byKey.set(`${each.user} ${each.key}`, first);
    if (first.promptId !== each.promptId) {
      return [{ says: "one key was answered with two prompts", trace: [show(first), ...trace] }];
    }
    const prompt = resting.get(each.promptId);
    if (prompt === undefined) return [{ says: "an accepted prompt is gone", trace }];
    trace.push(show(prompt));
    if (prompt.text !== each.text) return [{ says: "a prompt became another one", trace }];
    if (!isFinal(prompt.status)) return [{ says: "an accepted prompt does not end", trace }];
    const mayFail = !isHonest || (kills > 0 && prompt.errorCode === "outcome_unknown") ||
      (kills >= crashesOfASuspect && prompt.errorCode === "provider_failed");
    if (prompt.status === "FAILED" && !mayFail) return [{ says: "a prompt failed for no reason", trace }];
    return [];
  });
  // Rows of a batch are accepted with it.
  const known = new Set([
    ...accepted.map(({ promptId }) => promptId),
    ...rest.batches.flatMap(({ promptIds }) => promptIds),
  ]);
  for (const prompt of rest.prompts) {
    if (known.has(prompt.id)) continue;
    violations.push({ says: "there is a prompt that nobody was told of", trace: [show(prompt)] });
  }
  return { promise: "accepted", cases: accepted.length, violations };
}

export function finalIsFinal({ told, rest }: Evidence): Finding {
  const ends = new Map<string, State>();
  const violations: Violation[] = [];
  for (const each of told) {
    if (each.what !== "state") continue;
    const end = ends.get(each.promptId);
    if (end === undefined) {
      if (isFinal(each.status)) ends.set(each.promptId, each);
    } else if (end.status !== each.status && (isFinal(each.status) || isLater(each, end))) {
      violations.push({ says: "a final state changed", trace: [show(end), show(each)] });
    }
  }
  for (const prompt of rest.prompts) {
    const end = ends.get(prompt.id);
    if (end === undefined || end.status === prompt.status) continue;
    violations.push({ says: "a final state changed", trace: [show(end), show(prompt)] });
  }
  return { promise: "final", cases: ends.size, violations };
}

type State = Told & { what: "state" };

/** Not only heard later, which says nothing of slow readers. */
function isLater(state: State, other: State): boolean {
  return state.asOf >= other.at ||
    (state.stream !== undefined && state.stream === other.stream && state.user === other.user);
}

export function submittedOnce({ tasks, rest }: Evidence): Finding {
  const wanted = sumBy(rest.prompts, ({ text }) => text, ({ count }) => count);
  const made = groupBy(tasks, ({ text }) => text);
  const violations = [...made].flatMap(([text, of]) =>
    of.length <= (wanted.get(text) ?? 0)
      ? []
      : [{ says: `${of.length} tasks were made for ${wanted.get(text) ?? 0}`, trace: of.map(show) }]
  );
  const prompts = groupBy(rest.prompts, ({ text }) => text);
  for (const [text, of] of prompts) {
    const due = of.filter(({ status, ledger }) => status === "COMPLETED" && ledger?.basis !== "none");
    const count = due.reduce((sum, prompt) => sum + prompt.images.length, 0);
    if ((made.get(text)?.length ?? 0) >= count) continue;
    violations.push({ says: "pictures came from no task", trace: due.map(show) });
  }
  return { promise: "once", cases: wanted.size, violations };
}

/** Long enough for the slowest start that keeps the promise. */
const resumeWithinMs = 5000;

export function resumedById({ tasks, rest, starts, kills, lagMs }: Evidence): Finding {
  const prompts = groupBy(rest.prompts, ({ text }) => text);
  const known = groupBy(tasks.filter(({ isAskedFor }) => isAskedFor), ({ text }) => text);
  const violations = [...known].flatMap(([text, of]): Violation[] => {
    const [prompt, ...others] = prompts.get(text) ?? [];
    const isLost = others.length === 0 && prompt?.errorCode === "outcome_unknown" &&
      of.length >= prompt.count && kills < crashesOfASuspect;
    return isLost ? [{ says: "a known task was given up", trace: [...of, prompt].map(show) }] : [];
  });
  // What had ended before is no work, though its end was told to nobody.
  const busy = starts.filter(({ openWork, readyAt }) =>
    openWork.some((text) =>
      prompts.get(text)?.some(({ status, updatedAt }) => !isFinal(status) || updatedAt >= readyAt)
    )
  );
  const milliseconds: number[] = [];
  for (const { readyAt, firstWorkAt } of busy) {
    if (firstWorkAt !== null) milliseconds.push(firstWorkAt - readyAt);
    if (firstWorkAt !== null && firstWorkAt - readyAt <= resumeWithinMs + lagMs) continue;
    const says = firstWorkAt === null
      ? "no work was taken up"
      : `work went on after ${firstWorkAt - readyAt} ms`;
    violations.push({ says, trace: [] });
  }
  return { promise: "resumed", cases: known.size + busy.length, violations, milliseconds };
}

export function ledgerIsBill({ tasks, rest }: Evidence): Finding {
  const violations: Violation[] = [];
  const made = groupBy(tasks, ({ text }) => text);
  const prompts = groupBy(rest.prompts, ({ text }) => text);
  for (const [text, of] of prompts) {
    const bills = made.get(text) ?? [];
    const billed = bills.reduce((sum, task) => sum + task.billedMicros, 0);
    const charged = of.reduce((sum, { ledger }) => sum + (ledger?.costMicros ?? 0), 0);
    // What nobody could know is booked as it was held: at least what it cost.
    const isUnknown = of.some(({ ledger }) => ledger?.basis === "unknown");
    if (isUnknown ? charged >= billed : charged === billed) continue;
    const says = `${charged} was charged for ${billed}`;
    violations.push({ says, trace: [...bills.map(show), ...of.map(show)] });
  }
  for (const { user, spentMicros } of rest.books) {
    const own = rest.prompts.filter((prompt) => prompt.user === user);
    const sum = own.reduce((total, { ledger }) => total + (ledger?.costMicros ?? 0), 0);
    if (sum === spentMicros) continue;
    const charges = own.filter(({ ledger }) => ledger?.costMicros !== 0);
    violations.push({
      says: `${user} is said to have spent ${spentMicros}, not ${sum}`,
      trace: charges.map(show),
    });
  }
  return { promise: "ledger", cases: prompts.size, violations };
}

export function nothingHeld({ rest }: Evidence): Finding {
  const violations = rest.books.flatMap((books) =>
    books.heldMicros === 0 ? [] : [{ says: `${books.heldMicros} is still held`, trace: [show(books)] }]
  );
  return { promise: "holds", cases: rest.books.length, violations };
}

export function budgetHolds({ told, rest, tasks }: Evidence): Finding {
  const reads = [...told.filter((each) => each.what === "books"), ...rest.books].filter(({ limitMicros }) =>
    limitMicros !== null
  );
  const violations: Violation[] = reads.flatMap((each) =>
    each.spentMicros + each.heldMicros <= each.limitMicros!
      ? []
      : [{ says: "more was spent and held than the budget has", trace: [show(each)] }]
  );
  const users = new Map(rest.prompts.map(({ text, user }) => [text, user]));
  const billed = sumBy(tasks, ({ text }) => users.get(text) ?? "", ({ billedMicros }) => billedMicros);
  for (const { user, limitMicros } of rest.books) {
    if (limitMicros === null || (billed.get(user) ?? 0) <= limitMicros) continue;
    violations.push({ says: `providers billed ${user} ${billed.get(user)} of ${limitMicros}`, trace: [] });
  }
  return { promise: "budget", cases: reads.length, violations };
}

/** Honest providers bill no more than a row's price, so nothing is charged above a hold. */
export function batchesAreKept({ told, rest, isHonest, kills }: Evidence): Finding {
  const accepted = told.filter((each) => each.what === "batch");
  const violations: Violation[] = [];
  const resting = new Map(rest.batches.map((batch) => [batch.id, batch]));
  const prompts = new Map(rest.prompts.map((prompt) => [prompt.id, prompt]));
  const byKey = new Map(accepted.toReversed().map((each) => [`${each.user} ${each.key}`, each]));
  for (const each of accepted) {
    const trace = [show(each)];
    const first = byKey.get(`${each.user} ${each.key}`)!;
    if (first.batchId !== each.batchId) {
      violations.push({ says: "one key was answered with two batches", trace: [show(first), ...trace] });
    }
    const batch = resting.get(each.batchId);
    if (batch === undefined) {
      violations.push({ says: "an accepted batch is gone", trace });
      continue;
    }
    trace.push(show(batch));
    const rows = batch.promptIds.map((id) => prompts.get(id));
    const isEach = rows.length === batch.next && rows.every((row, i) => row?.text === each.texts[i]);
    if (!isEach) violations.push({ says: "the prompts of a batch are not its first rows, each once", trace });
    if (batch.state !== "DONE" && batch.state !== "STOPPED") {
      violations.push({ says: "an accepted batch does not end", trace });
    }
    if (batch.state === "DONE" && batch.next !== each.texts.length) {
      violations.push({ says: "a batch is done, and some of its rows never were", trace });
    }
    if (batch.reserveMicros !== 0) violations.push({ says: "a batch that is over reserves money", trace });
    const charged = rows.reduce((sum, row) => sum + (row?.ledger?.costMicros ?? 0), 0);
    if (charged !== batch.chargedMicros) {
      violations.push({ says: `a batch says ${batch.chargedMicros}, its prompts ${charged}`, trace });
    }
    if (isHonest && batch.limitMicros !== null && charged > batch.limitMicros) {
      violations.push({ says: `${charged} was charged of at most ${batch.limitMicros}`, trace });
    }
    const failed = rows.filter((row) => {
      const mayFail = !isHonest || (kills > 0 && row?.errorCode === "outcome_unknown") ||
        (kills >= crashesOfASuspect && row?.errorCode === "provider_failed");
      return row?.status === "FAILED" && !mayFail;
    });
    if (failed.length > 0) {
      violations.push({
        says: "rows failed for no reason",
        trace: [...trace, ...failed.map((row) => show(row!))],
      });
    }
  }
  const known = new Set(accepted.map(({ batchId }) => batchId));
  for (const batch of rest.batches) {
    if (known.has(batch.id)) continue;
    violations.push({ says: "there is a batch that nobody was told of", trace: [show(batch)] });
  }
  violations.push(...goneBack(told));
  return { promise: "batches", cases: accepted.length, violations };
}

/** A batch was further when it was asked for earlier. */
function goneBack(told: readonly Told[]): Violation[] {
  const states = told.filter((each) => each.what === "batch state");
  const furthest = new Map<string, typeof states[0]>();
  return states.flatMap((state) => {
    const earlier = furthest.get(state.batchId);
    if (earlier === undefined || state.next >= earlier.next) furthest.set(state.batchId, state);
    else if (state.asOf >= earlier.at) {
      return [{ says: "a batch went back", trace: [show(earlier), show(state)] }];
    }
    return [];
  });
}

export function picturesAreWhole({ rest }: Evidence): Finding {
  const violations = rest.pictures.flatMap(({ imageId, promptId, trouble }) =>
    trouble === null ? [] : [{ says: trouble, trace: [`picture ${imageId} of prompt ${promptId}`] }]
  );
  return { promise: "pictures", cases: rest.pictures.length, violations };
}

export function indexesAgree({ rest }: Evidence): Finding {
  const violations = rest.verified.map((line) => ({ says: line, trace: [] }));
  return { promise: "indexes", cases: rest.prompts.length, violations };
}

const toldWithinMs = 1000;

export function readersAreTold({ watches, rest, lagMs }: Evidence): Finding {
  const prompts = new Map(rest.prompts.map((prompt) => [prompt.id, prompt]));
  const milliseconds: number[] = [];
  const violations: Violation[] = [];
  let cases = 0;
  for (const { promptId, kind, readyAt, heardAt } of watches) {
    const prompt = prompts.get(promptId);
    if (prompt === undefined || !isFinal(prompt.status)) continue;
    cases++;
    const afterMs = heardAt === null ? null : Math.max(0, heardAt - Math.max(readyAt, prompt.updatedAt));
    if (afterMs !== null) milliseconds.push(afterMs);
    if (afterMs !== null && afterMs <= toldWithinMs + lagMs) continue;
    const says = afterMs === null
      ? `a reader (${kind}) never learned the end`
      : `a reader (${kind}) learned the end after ${afterMs} ms`;
    violations.push({ says, trace: [show(prompt)] });
  }
  return { promise: "told", cases, violations, milliseconds };
}

/** A fact on one line. */
function show(fact: Told | RestingPrompt | object): string {
  const named = { ...fact } as { at?: number };
  const at = named.at === undefined ? "" : `${new Date(named.at).toISOString().slice(11, 23)} `;
  delete named.at;
  return at + JSON.stringify(named);
}

export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...groups.get(key(item)) ?? [], item]);
  return groups;
}

function sumBy<T>(
  items: readonly T[],
  key: (item: T) => string,
  amount: (item: T) => number,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const item of items) sums.set(key(item), (sums.get(key(item)) ?? 0) + amount(item));
  return sums;
}

/** A finding that is not about evidence. */
export function finding(
  promise: PromiseName,
  violations: Violation[],
  more: { cases?: number; figure?: string; milliseconds?: number[] } = {},
): Finding {
  return { promise, cases: 1, violations, ...more };
}
