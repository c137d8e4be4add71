/** Accepting a prompt: one atomic commit, or nothing. */
import { budgetState } from "../money/budget.ts";
import type { Doorbell } from "./doorbell.ts";
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { type Account, monthOf } from "../money/account.ts";
import { type Books, changeBooks } from "../money/ledger.ts";
import { type Claim, claimOf, type Idempotency, readClaimed, writeClaim } from "./idempotency.ts";
import { newPrompt } from "./new_prompt.ts";
import type { Filing, Prompt, PromptRequest, RecipeUse } from "./prompt.ts";
import { checkPrices, type Quote, quoteAgain } from "./quote.ts";
import { readPrompt, writePrompt } from "./prompt_store.ts";
import type { SubmissionLimit } from "./submission_limit.ts";
import { type Acceptances, plainAcceptances } from "./unanswered.ts";
import { type Look, lookForSent, type SentRequest, writeSent } from "./sent_again.ts";
import type { Readiness } from "../readiness.ts";
import { keys } from "../store/schema.ts";
import { read, readMany, type Store, type Versioned } from "../store/store.ts";
import { demandRight, type Right, type Shared } from "../users/membership.ts";
import type { StorageRoom } from "../users/storage_room.ts";
import { accountGone, checkAccount, readUser, type User } from "../users/user.ts";

export interface RequestDeps {
  store: Store;
  doorbell: Doorbell;
  /** Left out: nobody else uses the database. */
  acceptances?: Acceptances;
  readiness: Readiness;
  room: StorageRoom;
  /** Left out or null: those who call count by themselves. */
  submissions?: Pick<SubmissionLimit, "take"> | null;
  /** Micro-dollars a month for users without a budget of their own; null: no limit. */
  defaultBudgetMicros: number | null;
}

export interface Accepted {
  prompt: Versioned<Prompt>;
  isReplay: boolean;
}

/**
 * What the same key with the same body was answered with before, or what a request that is sent again joins; refuses with
 * `idempotency_mismatch` for another body.
 */
export async function findAccepted(
  store: Store,
  request: { userId: string; idempotency?: Idempotency; sent?: SentRequest },
): Promise<Accepted | null> {
  const prompt = await onceOf(store, request).find();
  return prompt && { prompt, isReplay: true };
}

/** What kept it from being accepted may have run out by the time that it looks again. */
const mostAttempts = 5;

/**
 * Accepts what was quoted, at that price; where an admin has added another one at another node by then, at that one,
 * which is no more than `atMostMicros` either. Refuses with `budget_exceeded`, `idempotency_mismatch`, `unavailable`,
 * `storage_full`, or with `conflict` where it costs more than whoever asks was shown, and then nothing has happened.
 */
export async function requestPrompt(
  deps: RequestDeps,
  { user, quote, filing, recipe, atMostMicros = Infinity, idempotency, sent }: {
    user: User;
    quote: Quote;
    filing?: Filing;
    /** Whoever asks may use it. */
    recipe?: RecipeUse;
    /** What was shown before; left out, whatever it costs is agreed to. */
    atMostMicros?: number;
    idempotency?: Idempotency;
    /** Of a client that may send it again without a key. */
    sent?: SentRequest;
  },
): Promise<Accepted> {
  const { store, acceptances = plainAcceptances(deps.doorbell) } = deps;
  const once = onceOf(store, { userId: user.id, idempotency, sent });
  const earlier = await once.find();
  if (earlier !== null) return { prompt: earlier, isReplay: true };
  await demandSources(store, { userId: user.id, requests: [quote.request] });
  await demandBoard(store, { userId: user.id, boardId: filing?.boardId ?? null });
  await deps.readiness.demand();
  await deps.room.demand(user.id);

  let quoted = quote;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { request, model, priceRow, mostMicros: holdMicros } = quoted;
    const at = store.now();
    const id = store.ids();
    const trace = store.tracing.origin();
    const accept = () =>
      changeBooks(store, { userId: user.id, at }, (books) => {
        const counted = deps.submissions?.take(books.account, at) ?? books.account;
        if (holdMicros > atMostMicros) throw dearerThanShown(holdMicros);
        demandBudget({ user, at, books, defaultMicros: deps.defaultBudgetMicros, holdMicros });
        const account: Account = {
          ...counted,
          heldMicros: books.account.heldMicros + holdMicros,
          promptSequence: books.account.promptSequence + 1,
        };
        const prompt = newPrompt({
          id,
          userId: user.id,
          sequence: account.promptSequence,
          request,
          filing,
          recipe,
          trace,
          holdMicros,
          priceRow,
          imagesPerTask: model.imagesPerTask,
          at,
        });
        const atomic = books.write(writePrompt(store.kv, { before: null, after: prompt }), { account });
        checkPrices(atomic, quoted);
        once.write(atomic, { promptId: id, at });
        return { atomic: acceptances.announce(checkAccount(atomic, user.id), id), value: prompt };
      });
    const isFoundAgain = idempotency !== undefined;
    const accepted = await acceptances.follow({ id, isFoundAgain }, accept);
    if (accepted !== null) return { prompt: accepted, isReplay: false };
    const winner = await once.find();
    if (winner !== null) return { prompt: winner, isReplay: true };
    if (await readUser(store, user.id) === null) throw accountGone();
    quoted = await quoteAgain(quoted) ?? quoted;
  }
  throw new Error("A prompt could not be accepted although nothing else claimed it");
}

/** What keeps a request that comes several times from being accepted as often. */
interface Once {
  find(): Promise<Versioned<Prompt> | null>;
  /** Adds to the commit that accepts it what the next `find` goes by. */
  write(atomic: Deno.AtomicOperation, accepted: { promptId: string; at: number }): void;
}

function onceOf(
  store: Store,
  { userId, idempotency, sent }: { userId: string; idempotency?: Idempotency; sent?: SentRequest },
): Once {
  if (idempotency !== undefined) {
    const claim = claimOf(userId, idempotency);
    return {
      find: () => findClaimed(store, claim),
      write: (atomic, { promptId, at }) => writeClaim(atomic, { claim, claimed: { promptId }, at }),
    };
  }
  if (sent === undefined) return { find: () => Promise.resolve(null), write: () => {} };
  let look: Look;
  return {
    async find() {
      const found = await lookForSent(store, { userId, sent });
      if (found.joins !== null) return found.joins;
      look = found.look;
      return null;
    },
    write: (atomic, accepted) => writeSent(atomic, { userId, look, ...accepted }),
  };
}

/** Pictures that are changed are there; from then on their bytes stay until the prompt is final. */
export async function demandSources(
  { kv }: Store,
  { userId, requests }: { userId: string; requests: readonly PromptRequest[] },
): Promise<void> {
  const edits = requests.flatMap(({ edit }) => edit === undefined ? [] : [edit]);
  const imageIds = new Set(edits.flatMap(({ sources }) => sources.map(({ imageId }) => imageId)));
  const maskIds = new Set(edits.flatMap(({ mask }) => mask === null ? [] : [mask.maskId]));
  const found = await readMany<{ userId: string }>(kv, [
    ...Array.from(imageIds, keys.image),
    ...Array.from(maskIds, keys.mask),
  ]);
  if (!found.every((record) => record?.value.userId === userId)) throw notFound();
}

/**
 * A board that is named is there, and the user may do that with it: put pictures onto it, unless it says otherwise.
 * Refuses with `not_found`, or with `forbidden` a member who may not.
 */
export async function demandBoard(
  { kv }: Store,
  { userId, boardId, right = "edit" }: { userId: string; boardId: string | null; right?: Right },
): Promise<void> {
  if (boardId === null) return;
  const board = isId(boardId) ? await read<Shared>(kv, keys.board(boardId)) : null;
  if (board === null) throw notFound();
  demandRight(board.value, { userId, right });
}

async function findClaimed(store: Store, claim: Claim): Promise<Versioned<Prompt> | null> {
  const claimed = await readClaimed(store, claim);
  return claimed !== null && "promptId" in claimed ? readPrompt(store, claimed.promptId) : null;
}

export function dearerThanShown(costMicros: number): Refusal {
  return new Refusal("conflict", "It costs more than was shown", { field: "price", costMicros });
}

/** Refuses with `budget_exceeded` what does not fit into what is left of the month's budget. */
export function demandBudget(
  { user, at, books, defaultMicros, holdMicros }: {
    user: User;
    at: number;
    books: Pick<Books, "account" | "month">;
    defaultMicros: number | null;
    /** What is to be set aside. */
    holdMicros: number;
  },
): void {
  const { remainingMicros } = budgetState(user, {
    month: monthOf(at),
    defaultMicros,
    account: books.account,
    spend: books.month,
  });
  if (remainingMicros === null || holdMicros <= remainingMicros) return;
  throw new Refusal("budget_exceeded", "This would cost more than what is left of this month's budget", {
    remainingMicros,
  });
}
