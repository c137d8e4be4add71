/** What the gauges show: read when somebody asks, in part where there is much of it, and without anybody's name. */
import type { Account } from "../../money/account.ts";
import { listDelayed, listLeases, listWaiting } from "../../prompts/queue.ts";
import { isFinal } from "../../prompts/prompt.ts";
import { readPrompts } from "../../prompts/prompt_store.ts";
import { kinds } from "../../store/schema.ts";
import { timeOfId } from "../../ids.ts";
import type { Store } from "../../store/store.ts";
import { readStoredBytesOfAll } from "../../users/stored_bytes.ts";
import { lastGoodBackup } from "../own_backups.ts";

export interface Figures {
  /** By model. */
  waiting: Map<string, number>;
  running: Map<string, number>;
  /** Those that are tried again later. */
  delayed: number;
  /** How long the oldest of those that wait has done so, in milliseconds; 0: none waits. */
  oldestWaitMs: number;
  heldMicros: number;
  pictureBytes: number;
  /** When the last backup was taken that was read back and is good; null: there is none. */
  backedUpAt: number | null;
}

/** Entries and accounts that are looked at. */
export const mostRead = 10_000;

export async function readFigures(store: Store): Promise<Figures> {
  const limit = mostRead;
  const [waiting, delayed, leases, heldMicros, pictureBytes, backup] = await Promise.all([
    listWaiting(store, { limit }),
    listDelayed(store, { limit }),
    listLeases(store),
    sumHeld(store, { limit }),
    readStoredBytesOfAll(store),
    lastGoodBackup(store),
  ]);
  const leased = await readPrompts(store, leases.map(({ promptId }) => promptId));
  const running = leased.filter(({ value }) => !isFinal(value));
  const now = store.now();
  const oldest = waiting.reduce((time, { promptId }) => Math.min(time, timeOfId(promptId)), now);
  return {
    waiting: countByModel(waiting.map(({ model }) => model)),
    running: countByModel(running.map(({ value }) => value.request.model)),
    delayed: delayed.length,
    oldestWaitMs: now - oldest,
    heldMicros,
    pictureBytes,
    backedUpAt: backup?.takenAt ?? null,
  };
}

function countByModel(models: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const model of models) counts.set(model, (counts.get(model) ?? 0) + 1);
  return counts;
}

/** What is set aside for prompts and rows that have not ended. */
async function sumHeld({ kv }: Store, options: { limit: number }): Promise<number> {
  const accounts = kv.list<Account>({ prefix: [...kinds.accounts] }, { ...options, batchSize: 500 });
  let sum = 0;
  for await (const { value } of accounts) sum += value.heldMicros;
  return sum;
}
