/**
 * What goes on beside the work: deleted pictures go when their time is over, deleted boards lose their pictures and
 * recipes, deleted recipes their versions, old pictures go where they are to, tints are made, plans, blobs and links that ended long ago are swept.
 */
import { finishBoardDeletions } from "../boards/delete_board.ts";
import { returnAllRecipes } from "../recipes/leave_recipes.ts";
import { finishRecipeDeletions } from "../recipes/recipe_store.ts";
import { emptyTrash } from "../images/delete_image.ts";
import { fillTints } from "../images/fill_tints.ts";
import type { Log } from "../log.ts";
import { sweepShares } from "../shares/share_store.ts";
import type { Held, Job } from "../store/duty.ts";
import { retainPictures } from "./retention.ts";
import type { Store } from "../store/store.ts";
import { sweepBlobs, sweepPlans } from "./sweep_blobs.ts";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";

const trashMs = 15_000;
const boardsMs = 15_000;
const tintsMs = 3000;
const plansMs = 15 * 60_000;
/** Listing a large bucket costs money, so it is done rarely; the first time a while after the start. */
const firstSweepMs = 15 * 60_000;
const firstRetentionMs = 60_000;
const retentionMs = 3600 * 1000;
const sweepMs = 24 * 3600 * 1000;

/**
 * One node's turn at it; its end waits for what is under way, and what is left is taken up by the next. All of it may be
 * done twice: a blob goes only where no record names it, and records only as they were read.
 */
export function createHousekeeping(
  { store, blobs, log, owner, held, retainDays }: {
    store: Store;
    blobs: HoldableBlobs;
    log: Log;
    owner: string;
    held: Held;
    /** How long pictures are kept; null: for good. */
    retainDays: number | null;
  },
): Job {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const running = new Set<Promise<void>>();
  let isStopped = false;

  return {
    start() {
      repeat("trash", { firstMs: 0, everyMs: trashMs }, async () => void await emptyTrash({ store, blobs }));
      repeat("boards", { firstMs: 0, everyMs: boardsMs }, () => finishBoardDeletions(store));
      repeat("recipes", { firstMs: 0, everyMs: boardsMs }, async () => {
        await finishRecipeDeletions(store);
        await returnAllRecipes(store);
      });
      repeat("tints", { firstMs: tintsMs, everyMs: tintsMs }, () => fillTints({ store, blobs }));
      repeat("plans", { firstMs: firstSweepMs, everyMs: plansMs }, async () => {
        await sweepPlans({ store, blobs });
      });
      repeat("retention", { firstMs: firstRetentionMs, everyMs: retentionMs }, retain);
      repeat("shares", { firstMs: firstSweepMs, everyMs: sweepMs }, () => sweepShares(store));
      repeat("sweep", { firstMs: firstSweepMs, everyMs: sweepMs }, sweep);
    },
    async stop() {
      isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running);
    },
  };

  async function sweep(): Promise<void> {
    const { removed, missing } = await sweepBlobs({ store, blobs }, { owner });
    if (removed.length > 0) log("warn", "blobs_swept", { count: removed.length });
    for (const key of missing) log("error", "blob_missing", { key });
  }

  async function retain(): Promise<void> {
    const goesOn = () => !isStopped && held.isSure();
    const { announced, gone, kept } = await retainPictures({ store, retainDays, goesOn });
    if (announced + gone + kept > 0) log("info", "pictures_retained", { announced, gone, kept });
  }

  /** Until the work says that there is no more of it before the next start. */
  function repeat(
    name: string,
    { firstMs, everyMs }: { firstMs: number; everyMs: number },
    work: () => Promise<boolean | void>,
  ): void {
    const next = (ms: number) => {
      if (!isStopped) timers.set(name, setTimeout(begin, ms));
    };
    const begin = () => {
      const turn = work()
        .catch((error) => log("error", "housekeeping_failed", { what: name, error }))
        .then((isMore) => {
          running.delete(turn);
          if (isMore !== false) next(everyMs);
        });
      running.add(turn);
    };
    next(firstMs);
  }
}
