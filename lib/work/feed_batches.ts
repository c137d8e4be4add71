/**
 * Looks after batches that are going on: begins their rows as others end, stops them at their deadlines, and ends what
 * waits of those that were stopped. What it does follows from what is stored, so a crash loses nothing; it is woken by
 * the worker, whenever something may have changed that, and at its sweeps. Of several nodes one does it, since two would
 * only be in each other's way; whoever feeds, the version of a batch lets only one begin a row.
 */
import type { Blobs } from "../blobs/blobs.ts";
import type { Models } from "../catalog/models.ts";
import { type Batch, isGoingOn, isPastDeadline } from "../batches/batch.ts";
import { createRowReader } from "../batches/batch_rows.ts";
import { listBatchesWithWork, stepBatch } from "../batches/batch_store.ts";
import type { Log } from "../log.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import { readUnanswered } from "../prompts/unanswered.ts";
import type { Job } from "../store/duty.ts";
import type { Store } from "../store/store.ts";
import { endWaiting } from "./end_batch.ts";
import { startRows, type StartRowsDeps } from "./start_rows.ts";

export interface FeederDeps {
  store: Store;
  models: Models;
  doorbell: Doorbell;
  blobs: Pick<Blobs, "open">;
  log: Log;
  /** How many prompts of one user run at once. */
  userConcurrency: number;
}

export interface BatchFeeder {
  /** Something may have changed: it looks soon, once for all who call meanwhile. Where several nodes use the store, only on duty. */
  wake(): void;
  /** One turn at the duty: it begins by looking, and its end waits for what is under way. */
  createJob(): Job;
}

const leastWindow = 8;

export function createBatchFeeder(deps: FeederDeps): BatchFeeder {
  const { store, log } = deps;
  const starting: StartRowsDeps = {
    ...deps,
    rows: createRowReader(deps.blobs),
    window: Math.max(leastWindow, 2 * deps.userConcurrency),
  };
  /** Ids of batches that could not be looked after the last time. */
  const troubled = new Set<string>();
  let isWoken = false;
  let isStopped = store.isShared;
  let looking: Promise<void> | null = null;
  let nextDeadline: ReturnType<typeof setTimeout> | undefined;

  return {
    wake,
    createJob: () => ({
      start() {
        isStopped = false;
        wake();
      },
      async stop() {
        isStopped = true;
        clearTimeout(nextDeadline);
        await looking;
      },
    }),
  };

  function wake(): void {
    if (isStopped) return;
    isWoken = true;
    looking ??= lookAll().finally(() => {
      looking = null;
      if (isWoken && !isStopped) wake();
    });
  }

  async function lookAll(): Promise<void> {
    while (isWoken && !isStopped) {
      isWoken = false;
      try {
        const batches = await listBatchesWithWork(store);
        const known = new Set(batches.map(({ value }) => value.id));
        for (const id of troubled) if (!known.has(id)) troubled.delete(id);
        const unanswered = await readUnanswered(store, [...known]);
        await Promise.all(
          batches.filter(({ value }) => !unanswered.has(value.id)).map(({ value }) => look(value)),
        );
        wakeAtDeadline(batches.map(({ value }) => value));
      } catch (error) {
        log("error", "batches_not_read", { error });
      }
    }
  }

  /** Trouble with one, such as rows that the storage does not give, leaves the others alone; it is said once. */
  async function look(batch: Batch): Promise<void> {
    try {
      await lookAfter(starting, batch);
      troubled.delete(batch.id);
    } catch (error) {
      if (!troubled.has(batch.id)) log("error", "batch_trouble", { batchId: batch.id, error });
      troubled.add(batch.id);
    }
  }

  function wakeAtDeadline(batches: readonly Batch[]): void {
    clearTimeout(nextDeadline);
    const deadlines = batches.filter(isGoingOn).map(({ deadline }) => deadline ?? Infinity);
    const first = Math.min(Infinity, ...deadlines);
    const waitMs = first - store.now();
    if (!isStopped && waitMs > 0 && waitMs <= longestTimerMs) nextDeadline = setTimeout(wake, waitMs);
  }
}

/** Of rows that go in lots, so many become prompts before anybody looks again. */
const lotStep = 100;
/** Where stars may end it, not more than the smallest lot is bought at once. */
const starredWindow = 40;

/** They stand in nobody's way, and all of it is promised within the time that one lot takes. */
function lotWindow({ open, stopAtStars }: Batch): number {
  return stopAtStars === null ? open.length + lotStep : starredWindow;
}

/** What is later is found by a sweep. */
const longestTimerMs = 60_000;

async function lookAfter(deps: StartRowsDeps, found: Batch): Promise<void> {
  const { store } = deps;
  const batch = isGoingOn(found) && isPastDeadline(found, store.now())
    ? await stepBatch(store, {
      userId: found.userId,
      batchId: found.id,
      event: () => ({ type: "deadline_passed" }),
    })
    : found;
  if (batch.state === "STOPPED") await endWaiting(deps, batch);
  else await startRows(batch.lane === "now" ? deps : { ...deps, window: lotWindow(batch) }, batch);
}
