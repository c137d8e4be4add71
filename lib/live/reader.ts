/** One open stream: takes what it is offered as fast as its reader reads, in messages that are encoded once for all. */
import { needsWork } from "../batches/batch.ts";
import { isFinal } from "../prompts/prompt.ts";
import { heartbeat, serverSentEvent } from "../server_sent_event.ts";
import { type Backlog, takeNext, withOffer } from "./backlog.ts";
import { firstCursor } from "./cursor.ts";
import { sameTopic, type Topic } from "./topic.ts";
import { isOfBatch, isOfPrompt, isOfTopic, type News, type Offer } from "./read_changes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Renders a change for one kind of reader; asked once a change, whatever the number of streams. Null: it is not told. */
export type Encode = (news: News) => { event?: string; data: string } | null;

export interface ReaderRequest {
  userId: string;
  /** Only this prompt: begins with its present state and ends with its final one. */
  promptId?: string;
  /** Only this batch and its prompts: begins with their present state and ends when all is over. */
  batchId?: string;
  /** What several people look at, and this reader, too. */
  topics?: readonly Topic[];
  /** What the reader signed in with, and whether that still counts; when it doesn't, the stream ends. */
  credentialId: string;
  isCredentialGood: () => Promise<boolean>;
  /** The stream ends then, in milliseconds since 1970; null: never by itself. */
  expiresAt: number | null;
  encode: Encode;
}

export interface Reader {
  request: ReaderRequest;
  /** Up to which version each of its topics was told, by their names; those that are nothing to it are left out. */
  told: Map<string, string>;
  /** Its first changes were read; before that nothing else may reach it. */
  isStarted: boolean;
  backlog: Backlog;
  controller: ReadableStreamDefaultController<Bytes>;
  encodeOnce: EncodeOnce;
  /** The end of the batch that it reads was told. */
  isBatchOver: boolean;
  isOver: boolean;
  /** Called once, when it is over. */
  onOver: () => void;
}

const utf8 = new TextEncoder();
const beatBytes = utf8.encode(heartbeat);

/** A stream and its reader; the first bytes go out at once, so that whoever asked knows that it is open. */
export function openReader(
  { request, encodeOnce, onOver }: Pick<Reader, "request" | "encodeOnce" | "onOver">,
): { reader: Reader; stream: ReadableStream<Bytes> } {
  let reader!: Reader;
  const stream = new ReadableStream<Bytes>({
    start(controller) {
      const backlog = { waiting: [], handedOver: firstCursor, offered: firstCursor };
      reader = {
        request,
        told: new Map(),
        isStarted: false,
        backlog,
        controller,
        encodeOnce,
        isBatchOver: false,
        isOver: false,
        onOver,
      };
      controller.enqueue(beatBytes);
    },
    pull: () => flush(reader),
    cancel: () => leave(reader),
  }, { highWaterMark: 1 });
  return { reader, stream };
}

/** Begins with what changed since the reader was here last. */
export function startReader(reader: Reader, { first, since }: { first: Offer; since?: string }): void {
  reader.isStarted = true;
  if (since !== undefined && since <= first.cursor) reader.backlog = { ...reader.backlog, handedOver: since };
  offer(reader, first);
}

/** Hands over as much as the reader takes now; the rest waits. */
export function offer(reader: Reader, { changes, cursor }: Offer): void {
  const its = changes.filter((news) => isFor(reader.request, news));
  reader.backlog = withOffer(reader.backlog, { changes: its, cursor });
  flush(reader);
}

function isFor({ promptId, batchId, topics = [] }: ReaderRequest, news: News): boolean {
  if (isOfTopic(news)) return topics.some((topic) => sameTopic(topic, news.topic));
  if (promptId !== undefined) return isOfPrompt(news) && news.view.prompt.id === promptId;
  if (batchId === undefined) return true;
  if (isOfPrompt(news)) return news.view.prompt.batchId === batchId;
  return isOfBatch(news) && news.batch.batch.id === batchId;
}

/** Nothing follows for a reader of one prompt, or of one batch once all that led to its end was told. */
function isLast(reader: Reader, news: News): boolean {
  const { request: { promptId, batchId }, backlog: { waiting, offered } } = reader;
  if (promptId !== undefined) return isOfPrompt(news) && isFinal(news.view.prompt);
  if (batchId === undefined) return false;
  if (isOfBatch(news)) reader.isBatchOver = !needsWork(news.batch.batch) && news.batch.madeOf <= offered;
  return reader.isBatchOver && waiting.length === 0;
}

function flush(reader: Reader): void {
  const { controller, request } = reader;
  while (!reader.isOver && (controller.desiredSize ?? 0) > 0) {
    const next = takeNext(reader.backlog);
    if (next === null) return;
    reader.backlog = next.rest;
    const bytes = reader.encodeOnce(next.change, { encode: request.encode, id: next.rest.handedOver });
    if (bytes !== null) controller.enqueue(bytes);
    if (isLast(reader, next.change)) finish(reader);
  }
}

/** Says that the connection lives; one whose credential has run out ends instead. */
export function beat(reader: Reader, { now }: { now: number }): void {
  const { expiresAt } = reader.request;
  if (expiresAt !== null && expiresAt <= now) finish(reader);
  else if ((reader.controller.desiredSize ?? 0) > 0) reader.controller.enqueue(beatBytes);
}

export function finish(reader: Reader): void {
  if (reader.isOver) return;
  reader.controller.close();
  leave(reader);
}

/** Whoever read has gone. */
export function leave(reader: Reader): void {
  if (reader.isOver) return;
  reader.isOver = true;
  reader.backlog = { ...reader.backlog, waiting: [] };
  reader.onOver();
}

type EncodeOnce = (change: News, options: { encode: Encode; id: string }) => Bytes | null;

/** The bytes of a message, made once for all readers of a kind that are equally far. */
export function createEncodeOnce(): EncodeOnce {
  const encoded = new WeakMap<News, Map<Encode, { id: string; bytes: Bytes | null }>>();
  return (change, { encode, id }) => {
    const kinds = encoded.get(change) ?? new Map<Encode, { id: string; bytes: Bytes | null }>();
    encoded.set(change, kinds);
    const known = kinds.get(encode);
    if (known?.id === id) return known.bytes;
    const message = encode(change);
    const bytes = message && utf8.encode(serverSentEvent({ id, ...message }));
    kinds.set(encode, { id, bytes });
    return bytes;
  };
}
