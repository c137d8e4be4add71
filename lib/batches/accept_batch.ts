/** Accepting a batch: its rows are stored, then one atomic commit, or nothing. */
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { cutText } from "../graphemes.ts";
import type { Account } from "../money/account.ts";
import { changeBooks } from "../money/ledger.ts";
import { type Claim, claimOf, type Idempotency, readClaimed, writeClaim } from "../prompts/idempotency.ts";
import { checkPrices } from "../prompts/quote.ts";
import { dearerThanShown, demandBudget, demandSources, type RequestDeps } from "../prompts/request_prompt.ts";
import { type Acceptances, plainAcceptances } from "../prompts/unanswered.ts";
import { Refusal } from "../refusal.ts";
import { DatabaseRefusal, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser, type User } from "../users/user.ts";
import type { Batch } from "./batch.ts";
import { encodeRows, rowsContentType } from "./batch_rows.ts";
import { batchOwner, readBatch, setAside, tellOfBatch, writeBatchEntries } from "./batch_store.ts";
import { type BatchPlan, type BatchTerms, reservedAtFirst } from "./plan.ts";
import { planAgainByPrices } from "./plan_quotes.ts";

export interface AcceptBatchDeps extends RequestDeps {
  blobs: Pick<Blobs, "put" | "delete">;
}

export interface AcceptedBatch {
  batch: Versioned<Batch>;
  isReplay: boolean;
}

export interface BatchRequest {
  user: User;
  plan: BatchPlan;
  terms: BatchTerms;
  idempotency?: Idempotency;
  /** What was shown before, for all rows; left out, whatever they cost is agreed to. */
  atMostMicros?: number;
}

/** What the same key with the same body was answered with before; refuses with `idempotency_mismatch` for another body. */
export async function findAcceptedBatch(
  store: Store,
  { userId, idempotency }: { userId: string; idempotency: Idempotency },
): Promise<AcceptedBatch | null> {
  const batch = await findClaimed(store, claimOf(userId, idempotency));
  return batch && { batch, isReplay: true };
}

/**
 * Accepts what was planned, at its prices, or at those that an admin has added at another node by then. Refuses with `budget_exceeded`, `idempotency_mismatch`, `not_found` where a
 * picture that a row changes is not there, `unavailable`, or with `conflict` where it costs more than whoever asks was
 * shown, and then nothing has happened.
 */
export async function acceptBatch(
  deps: AcceptBatchDeps,
  { plan, ...asked }: BatchRequest,
): Promise<AcceptedBatch> {
  let planned = plan;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const accepted = await acceptPlanned(deps, { ...asked, plan: planned });
    if (accepted !== null) return accepted;
    const again = await planAgainByPrices(planned);
    if (again === null) break;
    planned = again;
  }
  throw new Error("A batch could not be accepted although nothing else claimed it");
}

/** Prices may have been added once more by the time that it was planned again. */
const mostAttempts = 5;

/** Null: prices were added since it was planned. */
async function acceptPlanned(
  deps: AcceptBatchDeps,
  { user, plan, terms, idempotency, atMostMicros = Infinity }: BatchRequest,
): Promise<AcceptedBatch | null> {
  const { store, blobs } = deps;
  const claim = idempotency && claimOf(user.id, idempotency);
  const earlier = claim && await findClaimed(store, claim);
  if (earlier) return { batch: earlier, isReplay: true };
  if (plan.mostMicros > atMostMicros) throw dearerThanShown(plan.mostMicros);
  await demandSources(store, { userId: user.id, requests: plan.rows.map(({ request }) => request) });
  await deps.readiness.demand();
  await deps.room.demand(user.id);

  const id = store.ids();
  const rowsKey = blobKeys.batchRows(id);
  await blobs.put(rowsKey, encodeRows(plan.rows), rowsContentType);
  try {
    const { acceptances = plainAcceptances(deps.doorbell) } = deps;
    const isFoundAgain = idempotency !== undefined;
    const batch = await acceptances.follow(
      { id, isFoundAgain },
      () => writeBatch(deps, { id, user, plan, terms, claim, acceptances }),
    );
    if (batch !== null) return { batch, isReplay: false };
  } catch (error) {
    // Where the database does not answer nobody knows whether it was written.
    if (error instanceof Refusal && !(error instanceof DatabaseRefusal)) await blobs.delete(rowsKey);
    throw error;
  }
  await blobs.delete(rowsKey);
  const winner = claim && await findClaimed(store, claim);
  if (winner) return { batch: winner, isReplay: true };
  if (await readUser(store, user.id) === null) throw accountGone();
  return null;
}

/** Null: somebody else claimed the key, the account is gone, or prices were added. */
function writeBatch(
  { store, submissions, defaultBudgetMicros: defaultMicros }: AcceptBatchDeps,
  { id, user, plan, terms, claim, acceptances }: {
    id: string;
    user: User;
    plan: BatchPlan;
    terms: BatchTerms;
    claim: Claim | undefined;
    acceptances: Acceptances;
  },
): Promise<Versioned<Batch> | null> {
  const at = store.now();
  const owner = batchOwner({ userId: user.id, batchId: id, at });
  return changeBooks<Batch, Batch>(store, owner, (books) => {
    const counted = submissions?.take(books.account, at) ?? books.account;
    const sequence = (books.account.batchSequence ?? 0) + 1;
    const batch = newBatch({ id, userId: user.id, sequence, plan, terms, at });
    demandBudget({ user, at, books, defaultMicros, holdMicros: batch.reserveMicros });
    const account: Account = {
      ...setAside(counted, { before: null, after: batch }),
      batchSequence: sequence,
    };
    const atomic = books.write(store.kv.atomic(), { account, beside: batch });
    writeBatchEntries(atomic, { before: null, after: batch });
    tellOfBatch(store, { atomic, batch, told: null });
    checkPrices(atomic, plan);
    if (claim) writeClaim(atomic, { claim, claimed: { batchId: id }, at });
    return { atomic: acceptances.announce(checkAccount(atomic, user.id), id), value: batch };
  });
}

const nameChars = 50;

function newBatch(
  { id, userId, sequence, plan, terms, at }: {
    id: string;
    userId: string;
    sequence: number;
    plan: BatchPlan;
    terms: BatchTerms;
    at: number;
  },
): Batch {
  const { rows, images, mostMicros, priceRows, axes } = plan;
  const { name, ...ownTerms } = terms;
  return {
    id,
    userId,
    sequence,
    name: name ?? cutText(rows[0].request.text, { chars: nameChars }),
    ...ownTerms,
    state: "RUNNING",
    reason: null,
    rows: rows.length,
    images,
    next: 0,
    nextByte: 0,
    open: [],
    mostMicros,
    reserveMicros: reservedAtFirst(plan, terms),
    remainingMicros: mostMicros,
    heldMicros: 0,
    chargedMicros: 0,
    priceRows,
    counts: { completed: 0, failed: 0, cancelled: 0, images: 0, stars: 0 },
    refusalsInRow: {},
    providerWords: null,
    axes,
    createdAt: at,
    updatedAt: at,
    finishedAt: null,
  };
}

async function findClaimed(store: Store, claim: Claim): Promise<Versioned<Batch> | null> {
  const claimed = await readClaimed(store, claim);
  return claimed !== null && "batchId" in claimed ? readBatch(store, claimed.batchId) : null;
}
