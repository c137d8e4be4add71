/**
 * What waits for one reader: at most the latest state of each prompt and batch, the one that changed longest ago first,
 * before them how the queue stands, and how far the reader is. Values only: nothing here knows of streams.
 */
import { topicName } from "./topic.ts";
import { changeRow } from "../store/schema.ts";
import { cursorWithin, firstCursor } from "./cursor.ts";
import { isOfBatch, isOfPrompt, isOfTopic, type News, type Offer } from "./read_changes.ts";

export interface Backlog {
  /** Changes that were not handed over yet, one a prompt or batch. */
  waiting: readonly News[];
  /** Every change up to here was handed over: the id of messages, so that a reader that was cut off misses none. */
  handedOver: string;
  /** Every change up to here was handed over or is waiting. */
  offered: string;
}

/** A change that arrives takes the place of what waits of the same prompt or batch. */
export function withOffer(backlog: Backlog, { changes, cursor }: Offer): Backlog {
  if (changes.length === 0) return { ...backlog, offered: cursor };
  const latest = new Map([...backlog.waiting, ...changes].map((change) => [idOf(change), change]));
  const waiting = [...latest.values()].sort(byCursor);
  return { ...backlog, waiting, offered: cursor };
}

/** The next change to hand over and the backlog without it, which says how far the reader is then; null: none waits. */
export function takeNext(backlog: Backlog): { change: News; rest: Backlog } | null {
  const [change, ...waiting] = backlog.waiting;
  if (change === undefined) return null;
  return { change, rest: { ...backlog, waiting, handedOver: reached(backlog, { change, waiting }) } };
}

function byCursor(a: News, b: News): number {
  const [first, second] = [cursorOf(a), cursorOf(b)];
  return first < second ? -1 : first > second ? 1 : rowOf(a) - rowOf(b);
}

function idOf(news: News): string {
  if (isOfTopic(news)) return `${topicName(news.topic)} ${news.what}`;
  if (isOfPrompt(news)) return news.view.prompt.id;
  return isOfBatch(news) ? news.batch.batch.id : "standing";
}

/** Where the queue stands, and what several people look at, is no change of a prompt: it brings nobody further. */
function cursorOf(news: News): string {
  if (isOfPrompt(news)) return news.view.cursor;
  return isOfBatch(news) ? news.cursor : firstCursor;
}

/** A batch is told before the prompt that changed with it, so that a reader who gets no further is told of it again. */
function rowOf(news: News): number {
  return isOfPrompt(news) ? changeRow(news.view.prompt.sequence) : -1;
}

/**
 * What waits is not older than the change, and what is newer than `offered` may be missing altogether. Of those that
 * changed in one commit each brings a reader a row further, and the last one past it.
 */
function reached(
  { offered, handedOver }: Backlog,
  { change, waiting }: { change: News; waiting: readonly News[] },
): string {
  const cursor = cursorOf(change);
  const isInMiddle = waiting.length > 0 && cursorOf(waiting[0]) === cursor && cursor <= offered;
  const ownPlace = isInMiddle ? cursorWithin(cursor, rowOf(change)) : cursor;
  const upTo = waiting.length > 0 && ownPlace < offered ? ownPlace : offered;
  return upTo > handedOver ? upTo : handedOver;
}
