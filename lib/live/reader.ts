/** One open stream: takes what it is offered as fast as its reader reads, in messages that are encoded once for all. */
import { isFinal } from "../prompts/prompt.ts";
import { heartbeat, serverSentEvent } from "../server_sent_event.ts";
import { type Backlog, takeNext, withOffer } from "./backlog.ts";
import { firstCursor } from "./cursor.ts";
import type { Change, Offer } from "./read_changes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Renders a change for one kind of reader; asked once a change, whatever the number of streams. */
export type Encode = (change: Change) => { event?: string; data: string };

export interface ReaderRequest {
  userId: string;
  /** Only this prompt: begins with its present state and ends with its final one. */
  promptId?: string;
  /** What the reader signed in with, and whether that still counts; when it doesn't, the stream ends. */
  credentialId: string;
  isCredentialGood: () => Promise<boolean>;
  /** The stream ends then, in milliseconds since 1970; null: never by itself. */
  expiresAt: number | null;
  encode: Encode;
}

export interface Reader {
  request: ReaderRequest;
  /** Its first changes were read; before that nothing else may reach it. */
  isStarted: boolean;
  backlog: Backlog;
  controller: ReadableStreamDefaultController<Bytes>;
  encodeOnce: EncodeOnce;
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
      reader = { request, isStarted: false, backlog, controller, encodeOnce, isOver: false, onOver };
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
  const { promptId } = reader.request;
  const its = promptId === undefined ? changes : changes.filter(({ view }) => view.prompt.id === promptId);
  reader.backlog = withOffer(reader.backlog, { changes: its, cursor });
  flush(reader);
}

function flush(reader: Reader): void {
  const { controller, request } = reader;
  while (!reader.isOver && (controller.desiredSize ?? 0) > 0) {
    const next = takeNext(reader.backlog);
    if (next === null) return;
    reader.backlog = next.rest;
    controller.enqueue(
      reader.encodeOnce(next.change, { encode: request.encode, id: next.rest.handedOver }),
    );
    if (request.promptId !== undefined && isFinal(next.change.view.prompt)) finish(reader);
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

type EncodeOnce = (change: Change, options: { encode: Encode; id: string }) => Bytes;

/** The bytes of a message, made once for all readers of a kind that are equally far. */
export function createEncodeOnce(): EncodeOnce {
  const encoded = new WeakMap<Change, Map<Encode, { id: string; bytes: Bytes }>>();
  return (change, { encode, id }) => {
    const kinds = encoded.get(change) ?? new Map<Encode, { id: string; bytes: Bytes }>();
    encoded.set(change, kinds);
    const known = kinds.get(encode);
    if (known?.id === id) return known.bytes;
    const bytes = utf8.encode(serverSentEvent({ id, ...encode(change) }));
    kinds.set(encode, { id, bytes });
    return bytes;
  };
}
