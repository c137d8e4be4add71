/**
 * A prompt as the run that holds its lease sees it. Each step is written before the next begins, and only as long as
 * the lease is ours; what others changed meanwhile, such as a cancel, is read and told.
 */
import { blobKeysOf, type Blobs } from "../blobs/blobs.ts";
import type { NewImage } from "../images/store_picture.ts";
import { createInTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { sleep } from "../sleep.ts";
import { DatabaseRefusal, type Store, type Versioned } from "../store/store.ts";
import { isFinal, type Prompt, type Task } from "../prompts/prompt.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { giveBackLease, type Leased, leaseMs, renewLease } from "../prompts/queue.ts";
import { writeProgress } from "./settle.ts";
import { outcomeOf, withImages, withTask } from "./task_steps.ts";

const databaseRetryMs = 500;

/** Somebody else runs the prompt, or nobody has to any more. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

export interface HeldPrompt {
  /** As it was last written or read. */
  readonly latest: Versioned<Prompt>;
  /** Writes the prompt's next state. Pictures of a prompt that was cancelled meanwhile are discarded. */
  change(next: (prompt: Prompt) => Prompt, images?: NewImage[]): Promise<void>;
  /** The same for one of its tasks; one that has ended stays as it is. */
  changeTask(index: number, next: (task: Task) => Task, images?: NewImage[]): Promise<void>;
  /** Throws `LeaseLost`. */
  readAgain(): Promise<void>;
  /** Reads it again and, where the lease is lost, leaves it to the next change to say so. */
  lookAgain(): Promise<void>;
  /** The next process takes it up at once. */
  giveBack(): Promise<void>;
  /** The lease is not renewed any more. */
  letGo(): void;
}

export interface Holder {
  /** It was read again: it may have been cancelled. */
  onRead(): void;
  onLost(): void;
  /** A change that the database refuses is not worth waiting for any more. */
  isStopping(): boolean;
}

export function holdPrompt(
  { store, blobs, log }: { store: Store; blobs: Blobs; log: Log },
  leased: Leased,
  holder: Holder,
): HeldPrompt {
  const { id: promptId, leaseNumber } = leased.prompt.value;
  let latest = leased.prompt;
  const inTurn = createInTurn();
  const renewal = setInterval(() => void renew(), leaseMs / 3);

  return {
    get latest() {
      return latest;
    },
    change,
    changeTask: (index, next, images) => change((prompt) => withTask(prompt, index, next), images),
    readAgain: () => inTurn(readAgain),
    lookAgain,
    giveBack: () => giveBackLease(store, { promptId, number: leaseNumber }),
    letGo: () => clearInterval(renewal),
  };

  function change(next: (prompt: Prompt) => Prompt, images: NewImage[] = []): Promise<void> {
    return inTurn(async () => {
      while (true) {
        const isKept = latest.value.status === "PROCESSING";
        const kept = isKept ? images : [];
        const after = outcomeOf(withImages(next(latest.value), kept), store.now());
        const written = await write({ before: latest, after, images: kept });
        if (written === null) {
          await readAgain();
          continue;
        }
        latest = written;
        if (!isKept) await discard(images);
        return;
      }
    });
  }

  /** Nobody else knows what happened until it is written, so a database that does not take it is asked again. */
  async function write(step: Parameters<typeof writeProgress>[1]): ReturnType<typeof writeProgress> {
    for (let attempt = 1;; attempt++) {
      try {
        return await writeProgress(store, step);
      } catch (error) {
        if (!(error instanceof DatabaseRefusal) || holder.isStopping()) throw error;
        if (attempt === 1) log("error", "database_refuses", { promptId, error });
      }
      await sleep(databaseRetryMs);
    }
  }

  async function discard(images: NewImage[]): Promise<void> {
    for (const key of images.flatMap((image) => blobKeysOf(image.id))) await blobs.delete(key);
  }

  async function readAgain(): Promise<void> {
    const found = await readPrompt(store, promptId);
    const isOurs = found?.value.leaseNumber === leaseNumber;
    const isOpen = found !== null && (found.value.status === "PROCESSING" || isChargeDue(found.value));
    if (!isOurs || !isOpen) {
      holder.onLost();
      throw new LeaseLost();
    }
    latest = found;
    holder.onRead();
  }

  async function lookAgain(): Promise<void> {
    try {
      await inTurn(readAgain);
    } catch (error) {
      if (!(error instanceof LeaseLost)) log("error", "look_again_failed", { promptId, error });
    }
  }

  async function renew(): Promise<void> {
    try {
      if (!await renewLease(store, { promptId, number: leaseNumber })) await lookAgain();
    } catch (error) {
      log("warn", "lease_not_renewed", { promptId, error });
    }
  }
}

function isChargeDue(prompt: Prompt): boolean {
  return isFinal(prompt) && prompt.status === "CANCELLED" && prompt.isChargeDue;
}
