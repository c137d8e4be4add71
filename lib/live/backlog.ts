/**
 * What waits for one reader: at most the latest state of each prompt, the one that changed longest ago first, and how
 * far the reader is. Values only: nothing here knows of streams.
 */
import { changeRow } from "../store/schema.ts";
import { cursorWithin } from "./cursor.ts";
import type { Change, Offer } from "./read_changes.ts";

export interface Backlog {
  /** Changes that were not handed over yet, one a prompt. */
  waiting: readonly Change[];
  /** Every change up to here was handed over: the id of messages, so that a reader that was cut off misses none. */
  handedOver: string;
  /** Every change up to here was handed over or is waiting. */
  offered: string;
}

/** A change that arrives takes the place of what waits of the same prompt. */
export function withOffer(backlog: Backlog, { changes, cursor }: Offer): Backlog {
  if (changes.length === 0) return { ...backlog, offered: cursor };
  const latest = new Map([...backlog.waiting, ...changes].map((change) => [change.view.prompt.id, change]));
  const waiting = [...latest.values()].sort(byCursor);
  return { ...backlog, waiting, offered: cursor };
}

/** The next change to hand over and the backlog without it, which says how far the reader is then; null: none waits. */
export function takeNext(backlog: Backlog): { change: Change; rest: Backlog } | null {
  const [change, ...waiting] = backlog.waiting;
  if (change === undefined) return null;
  return { change, rest: { ...backlog, waiting, handedOver: reached(backlog, { change, waiting }) } };
}

function byCursor({ view: a }: Change, { view: b }: Change): number {
  return a.cursor < b.cursor ? -1 : a.cursor > b.cursor ? 1 : rowOf(a) - rowOf(b);
}

function rowOf({ prompt }: Change["view"]): number {
  return changeRow(prompt.sequence);
}

/**
 * What waits is not older than the change, and what is newer than `offered` may be missing altogether. Of those that
 * changed in one commit each brings a reader a row further, and the last one past it.
 */
function reached(
  { offered, handedOver }: Backlog,
  { change, waiting }: { change: Change; waiting: readonly Change[] },
): string {
  const { cursor } = change.view;
  const isInMiddle = waiting.at(0)?.view.cursor === cursor && cursor <= offered;
  const ownPlace = isInMiddle ? cursorWithin(cursor, rowOf(change.view)) : cursor;
  const upTo = waiting.length > 0 && ownPlace < offered ? ownPlace : offered;
  return upTo > handedOver ? upTo : handedOver;
}
