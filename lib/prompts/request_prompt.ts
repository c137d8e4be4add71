/** Accepting a prompt: one atomic commit, or nothing. */
import { budgetState } from "../money/budget.ts";
import { sha256 } from "../digest.ts";
import type { Doorbell } from "./doorbell.ts";
import { notFound, Refusal } from "../refusal.ts";
import { type Account, monthOf } from "../money/account.ts";
import { changeBooks } from "../money/ledger.ts";
import { firstRank, type PendingPrompt, type Prompt, type PromptRequest, type Task } from "./prompt.ts";
import type { Quote } from "./quote.ts";
import { readPrompt, writePrompt } from "./prompt_store.ts";
import type { Readiness } from "../readiness.ts";
import { keys } from "../store/schema.ts";
import { read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser, type User } from "../users/user.ts";

export interface RequestDeps {
  store: Store;
  doorbell: Doorbell;
  readiness: Readiness;
  /** Micro-dollars a month for users without a budget of their own; null: no limit. */
  defaultBudgetMicros: number | null;
}

/** The same key with the same body within 24 hours names the same prompt. */
export interface Idempotency {
  key: string;
  body: unknown;
}

interface IdempotencyClaim {
  bodyHash: string;
  promptId: string;
  at: number;
}

const claimLifeMs = 24 * 3600 * 1000;

export interface Accepted {
  prompt: Versioned<Prompt>;
  isReplay: boolean;
}

/** What the same key with the same body was answered with before; refuses with `idempotency_mismatch` for another body. */
export async function findAccepted(
  store: Store,
  { userId, idempotency }: { userId: string; idempotency: Idempotency },
): Promise<Accepted | null> {
  const prompt = await findClaimed(store, claimOf(userId, idempotency));
  return prompt && { prompt, isReplay: true };
}

/**
 * Accepts what was quoted, at that price. Refuses with `budget_exceeded`, `idempotency_mismatch`, `unavailable`, or
 * with `conflict` where it costs more than whoever asks was shown, and then nothing has happened.
 */
export async function requestPrompt(
  deps: RequestDeps,
  { user, quote, atMostMicros = Infinity, idempotency }: {
    user: User;
    quote: Quote;
    /** What was shown before; left out, whatever it costs is agreed to. */
    atMostMicros?: number;
    idempotency?: Idempotency;
  },
): Promise<Accepted> {
  const { store, doorbell } = deps;
  const claim = idempotency && claimOf(user.id, idempotency);
  const earlier = claim && await findClaimed(store, claim);
  if (earlier) return { prompt: earlier, isReplay: true };
  await demandSources(store, { userId: user.id, request: quote.request });
  await deps.readiness.demand();

  const at = store.now();
  const { request, model, priceRow, mostMicros: holdMicros } = quote;
  const id = store.ids();
  const accepted = await changeBooks(store, { userId: user.id, at }, (books) => {
    if (holdMicros > atMostMicros) throw dearerThanShown(holdMicros);
    const budget = budgetState(user, {
      month: monthOf(at),
      defaultMicros: deps.defaultBudgetMicros,
      account: books.account,
      spend: books.month,
    });
    demandBudget({ holdMicros, remainingMicros: budget.remainingMicros });
    const account: Account = {
      ...books.account,
      heldMicros: books.account.heldMicros + holdMicros,
      promptSequence: books.account.promptSequence + 1,
    };
    const sequence = account.promptSequence;
    const batchId = null;
    const prompt: PendingPrompt = {
      id,
      userId: user.id,
      sequence,
      batchId,
      rank: firstRank({ sequence, batchId }),
      request,
      holdMicros,
      priceRow,
      createdAt: at,
      updatedAt: at,
      leaseNumber: 0,
      crashes: 0,
      retries: 0,
      tasks: splitIntoTasks(request.count, model.imagesPerTask),
      status: "PENDING",
      readyAt: null,
    };
    const atomic = books.write(writePrompt(store.kv, { before: null, after: prompt }), { account });
    if (claim) {
      const value: IdempotencyClaim = { bodyHash: claim.bodyHash, promptId: id, at };
      atomic.check({ key: claim.key, versionstamp: claim.versionstamp })
        .set(claim.key, value, { expireIn: claimLifeMs });
    }
    return { atomic: doorbell.ring(checkAccount(atomic, user.id), id), value: prompt };
  });
  if (accepted !== null) return { prompt: accepted, isReplay: false };
  const winner = claim && await findClaimed(store, claim);
  if (winner) return { prompt: winner, isReplay: true };
  if (await readUser(store, user.id) === null) throw accountGone();
  throw new Error(`Prompt ${id} could not be accepted although nothing else claimed it`);
}

/** Pictures that are changed are there; from then on their bytes stay until the prompt is final. */
async function demandSources(
  { kv }: Store,
  { userId, request: { edit } }: { userId: string; request: PromptRequest },
): Promise<void> {
  if (edit === undefined) return;
  const keysOf = [
    ...edit.sources.map(({ imageId }) => keys.image(imageId)),
    ...edit.mask ? [keys.mask(edit.mask.maskId)] : [],
  ];
  const found = await readMany<{ userId: string }>(kv, keysOf);
  if (!found.every((record) => record?.value.userId === userId)) throw notFound();
}

interface Claim {
  key: Deno.KvKey;
  bodyHash: string;
  /** The version of an expired claim that is still there. */
  versionstamp: string | null;
}

function claimOf(userId: string, { key, body }: Idempotency): Claim {
  return {
    key: keys.idempotency(userId, sha256(key)),
    bodyHash: sha256(canonicalJson(body)),
    versionstamp: null,
  };
}

async function findClaimed(store: Store, claim: Claim): Promise<Versioned<Prompt> | null> {
  const found = await read<IdempotencyClaim>(store.kv, claim.key);
  claim.versionstamp = found?.versionstamp ?? null;
  if (found === null || store.now() - found.value.at >= claimLifeMs) return null;
  if (found.value.bodyHash !== claim.bodyHash) {
    throw new Refusal("idempotency_mismatch", "This Idempotency-Key was used with another request");
  }
  return readPrompt(store, found.value.promptId);
}

/** JSON with sorted keys, so that the order of fields makes no other body. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

function dearerThanShown(costMicros: number): Refusal {
  return new Refusal("conflict", "It costs more than was shown", { field: "price", costMicros });
}

function demandBudget(
  { holdMicros, remainingMicros }: { holdMicros: number; remainingMicros: number | null },
): void {
  if (remainingMicros === null || holdMicros <= remainingMicros) return;
  throw new Refusal("budget_exceeded", "This would cost more than what is left of this month's budget", {
    remainingMicros,
  });
}

function splitIntoTasks(count: number, imagesPerTask: number): Task[] {
  const tasks: Task[] = [];
  for (let left = count; left > 0; left -= imagesPerTask) {
    tasks.push({ state: "waiting", count: Math.min(left, imagesPerTask), images: [] });
  }
  return tasks;
}
