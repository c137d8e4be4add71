/**
 * A prompt as the run that holds its lease sees it. Each step is written before the next begins, and only as long as
 * the lease is ours; what others changed meanwhile, such as a cancel, is read and told.
 */
import { blobKeysOf, type Blobs } from "../blobs/blobs.ts";
import type { NewImage } from "../images/store_picture.ts";
import { createInTurn, type InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { sleep } from "../sleep.ts";
import { DatabaseRefusal, type Store, type Versioned } from "../store/store.ts";
import { isLeased, type Prompt, type Task } from "../prompts/prompt.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { giveBackLease, type Leased, renewLease } from "../prompts/queue.ts";
import { createTenure, type LeaseTimes, momentOf, type Tenure, usualLeaseTimes } from "../store/lapse.ts";
import { writeProgress } from "./settle.ts";
import { outcomeOf, withTask } from "./prompt_steps.ts";

const databaseRetryMs = 500;

export interface LeasedPrompt {
  /** As it was last written or read. */
  readonly latest: Versioned<Prompt>;
  /** Somebody else runs the prompt, or nobody has to any more: nothing is written. */
  readonly isLost: boolean;
  /** Writes the prompt's next state. */
  change(next: (prompt: Prompt) => Prompt): Promise<void>;
  /**
   * Writes one task's next state, where that differs, and returns what `next` made of the task as it was then; null
   * where the lease is lost. Pictures of a prompt that was cancelled meanwhile are discarded.
   */
  changeTask<S extends { task: Task }>(
    index: number,
    next: (task: Task, prompt: Prompt) => S,
    images?: NewImage[],
  ): Promise<S | null>;
  readAgain(): Promise<void>;
  /**
   * Whether it is surely ours at this moment, which is asked for where a while has passed since that was known: false
   * where it is lost, or its run stops and nobody knows. Waits for a database that does not answer.
   */
  isStillOurs(): Promise<boolean>;
  /** Reads it again; what goes wrong with that is left to the next change. */
  lookAgain(): Promise<void>;
  /** The next process takes it up at once. */
  giveBack(): Promise<void>;
  /** The lease is not renewed any more. */
  letGo(): void;
}

/** Whoever runs the prompt. */
export interface LeaseListener {
  /** It was read again: it may have been cancelled. */
  onRead(): void;
  onLost(): void;
  /** A change that the database refuses is not worth waiting for any more. */
  isStopping(): boolean;
}

interface LeaseDeps {
  store: Store;
  blobs: Blobs;
  log: Log;
  leaseTimes?: LeaseTimes;
}

interface LeaseState extends LeaseDeps {
  tenure: Tenure;
  /** One at a time: of those that wait for a database that is away, all but the first would be in vain. */
  renewing: Promise<void> | null;
  promptId: string;
  leaseNumber: number;
  latest: Versioned<Prompt>;
  isLost: boolean;
  inTurn: InTurn;
  listener: LeaseListener;
}

export function createLeasedPrompt(deps: LeaseDeps, leased: Leased, listener: LeaseListener): LeasedPrompt {
  const { id: promptId, leaseNumber } = leased.prompt.value;
  const { leaseMs, renewEveryMs } = deps.leaseTimes ?? usualLeaseTimes;
  const state: LeaseState = {
    ...deps,
    tenure: createTenure(deps.store, { since: leased.takenAt, leaseMs }),
    renewing: null,
    promptId,
    leaseNumber,
    latest: leased.prompt,
    isLost: false,
    inTurn: createInTurn(),
    listener,
  };
  const renewal = setInterval(() => void renew(state), renewEveryMs);
  return {
    get latest() {
      return state.latest;
    },
    get isLost() {
      return state.isLost;
    },
    change: async (next) => void await change(state, { next: (prompt) => ({ prompt: next(prompt) }) }),
    changeTask: (index, next, images) =>
      change(state, {
        next(prompt) {
          const step = next(prompt.tasks[index], prompt);
          return { ...step, prompt: withTask(prompt, index, step.task) };
        },
        images,
      }),
    readAgain: () => state.inTurn(() => readAgain(state)),
    isStillOurs: () => isStillOurs(state),
    lookAgain: () => lookAgain(state),
    giveBack: () => giveBackLease(deps.store, { promptId, number: leaseNumber }),
    letGo: () => clearInterval(renewal),
  };
}

function change<C extends { prompt: Prompt }>(
  state: LeaseState,
  { next, images = [] }: { next: (prompt: Prompt) => C; images?: NewImage[] },
): Promise<C | null> {
  return state.inTurn(async () => {
    while (!state.isLost) {
      const before = state.latest;
      const isKept = before.value.status === "PROCESSING";
      const kept = isKept ? images : [];
      const changed = next(before.value);
      if (await write(state, { before, after: changed.prompt, images: kept })) {
        if (!isKept) await discard(state, images);
        return changed;
      }
      await readAgain(state);
    }
    return null;
  });
}

/** False: somebody else changed the prompt. What is as it was already is not written. */
async function write(
  state: LeaseState,
  { before, after, images }: { before: Versioned<Prompt>; after: Prompt; images: NewImage[] },
): Promise<boolean> {
  if (after === before.value && images.length === 0) return true;
  const whole = outcomeOf(after, state.store.now());
  const written = await writeAtLast(state, { before, after: whole, images });
  if (written !== null) state.latest = written;
  return written !== null;
}

/** Nobody else knows what happened until it is written, so a database that does not take it is asked again. */
async function writeAtLast(
  { store, log, promptId, listener }: LeaseState,
  step: Parameters<typeof writeProgress>[1],
): ReturnType<typeof writeProgress> {
  for (let attempt = 1;; attempt++) {
    try {
      return await writeProgress(store, step);
    } catch (error) {
      if (!(error instanceof DatabaseRefusal) || listener.isStopping()) throw error;
      if (attempt === 1) log("error", "database_refuses", { promptId, error });
    }
    await sleep(databaseRetryMs);
  }
}

async function discard({ blobs }: LeaseState, images: NewImage[]): Promise<void> {
  for (const key of images.flatMap((image) => blobKeysOf(image.id))) await blobs.delete(key);
}

async function readAgain(state: LeaseState): Promise<void> {
  const found = await readPrompt(state.store, state.promptId);
  const isOurs = found?.value.leaseNumber === state.leaseNumber;
  if (isOurs && isLeased(found.value)) {
    state.latest = found;
    state.listener.onRead();
  } else {
    state.isLost = true;
    state.listener.onLost();
  }
}

async function lookAgain(state: LeaseState): Promise<void> {
  try {
    await state.inTurn(() => readAgain(state));
  } catch (error) {
    state.log("error", "look_again_failed", { promptId: state.promptId, error });
  }
}

function renew(state: LeaseState): Promise<void> {
  return state.renewing ??= renewOnce(state).finally(() => void (state.renewing = null));
}

/** What others did to the prompt meanwhile, such as cancelling it, is read with it. */
async function renewOnce(state: LeaseState): Promise<void> {
  const { store, promptId, leaseNumber, tenure } = state;
  const since = momentOf(store);
  try {
    if (await renewLease(store, { promptId, number: leaseNumber })) tenure.confirm(since);
  } catch (error) {
    return state.log("warn", "lease_not_renewed", { promptId, error });
  }
  await lookAgain(state);
}

async function isStillOurs(state: LeaseState): Promise<boolean> {
  while (!state.isLost && !state.tenure.isSure()) {
    if (state.listener.isStopping()) return false;
    await renew(state);
    if (!state.isLost && !state.tenure.isSure()) await sleep(databaseRetryMs);
  }
  return !state.isLost;
}
