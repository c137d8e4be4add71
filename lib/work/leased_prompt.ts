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
import { giveBackLease, type Leased, leaseMs, renewLease } from "../prompts/queue.ts";
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
}

interface LeaseState extends LeaseDeps {
  promptId: string;
  leaseNumber: number;
  latest: Versioned<Prompt>;
  isLost: boolean;
  inTurn: InTurn;
  listener: LeaseListener;
}

export function createLeasedPrompt(deps: LeaseDeps, leased: Leased, listener: LeaseListener): LeasedPrompt {
  const { id: promptId, leaseNumber } = leased.prompt.value;
  const state: LeaseState = {
    ...deps,
    promptId,
    leaseNumber,
    latest: leased.prompt,
    isLost: false,
    inTurn: createInTurn(),
    listener,
  };
  const renewal = setInterval(() => void renew(state), leaseMs / 3);
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

async function renew(state: LeaseState): Promise<void> {
  const { store, promptId, leaseNumber } = state;
  try {
    if (!await renewLease(store, { promptId, number: leaseNumber })) await lookAgain(state);
  } catch (error) {
    state.log("warn", "lease_not_renewed", { promptId, error });
  }
}
