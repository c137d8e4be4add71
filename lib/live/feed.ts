/**
 * The feed: what changed for a user since a cursor. The cursor is the version at which a prompt last changed, and
 * each prompt has one entry there, so the feed never grows beyond the prompts and a reader who comes back late gets
 * each changed prompt once, as it is now.
 *
 * One watch a user wakes this process; the changed prompts are read and rendered once and handed to all of the
 * user's open streams. A stream holds at most the latest state of each prompt that its reader has not taken yet.
 */
import type { BudgetReader, BudgetState } from "../money/budget.ts";
import type { Log } from "../log.ts";
import { isFinal, type Prompt } from "../prompts/prompt.ts";
import type { ProgressBoard } from "../prompts/progress.ts";
import { listUnfinishedPrompts, readPrompt, readPrompts } from "../prompts/prompt_store.ts";
import { type PromptView, viewPrompts } from "./prompt_view.ts";
import { keys } from "../store/schema.ts";
import { heartbeat, serverSentEvent } from "../server_sent_event.ts";
import type { Store, Versioned } from "../store/store.ts";

/** One prompt as it is now, and where its user's budget stands. */
export interface Change {
  view: PromptView;
  budget: BudgetState;
}

/** Renders a change for one kind of reader; asked once a change, whatever the number of streams. */
export type Encode = (change: Change) => { event?: string; data: string };

export interface StreamRequest {
  userId: string;
  /** Only this prompt: begins with its present state and ends with its final one. */
  promptId?: string;
  /** Begin with all that changed since; without it, with all prompts that are not final. */
  since?: string;
  /** What the reader signed in with; when that ends, so does the stream. */
  credentialId: string;
  /** The stream ends then, in milliseconds since 1970; null: never by itself. */
  expiresAt: number | null;
  encode: Encode;
}

export interface Feed {
  open(request: StreamRequest): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /**
   * Resolves when the prompt is final, after `timeoutMs`, when the signal is aborted, or where nobody can tell any
   * more: read it again then.
   */
  waitForFinal(prompt: Prompt, options: { timeoutMs: number; signal: AbortSignal }): Promise<void>;
  /** Ends the streams of a user, or those opened with one credential. */
  end(which: { userId?: string; credentialId?: string }): void;
  /** Ends all streams; new ones end at once. */
  close(): void;
  streamCount(): number;
}

const heartbeatMs = 15_000;
/** How many waiting prompts learn at once that they moved up. */
const movedUpLimit = 10;

/** Cursors are versionstamps: 20 hexadecimal digits, ascending. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{20}$/.test(text);
}

/** The cursor that nothing is before. */
export const firstCursor = "0".repeat(20);

/** The latest change of a user; a page carries it, and its stream goes on from there. */
export async function readCursor(store: Store, userId: string): Promise<string> {
  for await (const entry of store.kv.list({ prefix: keys.feedOf(userId) }, { limit: 1, reverse: true })) {
    return entry.key[2] as string;
  }
  return firstCursor;
}

interface Offer {
  changes: Change[];
  /** No change up to here is missing from what was offered by now. */
  cursor: string;
}

interface Reader {
  request: Omit<StreamRequest, "since">;
  /** Its first changes were read; before that nothing else may reach it. */
  isStarted: boolean;
  /** Changes that were not handed over yet, by prompt, the oldest first. */
  waiting: Map<string, Change>;
  /** Every change up to here was handed over: the id of messages, so that a reader that was cut off misses none. */
  handedOver: string;
  /** Every change up to here was handed over or is waiting. */
  offered: string;
  controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  isOver: boolean;
}

/** All that this process does for one user's readers. */
interface Channel {
  /** Open streams and waiters; without any, the channel closes. */
  holders: number;
  readers: Set<Reader>;
  /** Who waits for which prompt to become final. */
  waiters: Map<string, Set<() => void>>;
  cursor: string;
  isReady: Promise<void>;
  /** Prompts to read and hand over; what is read later is never older, since it is done one after another. */
  changed: Set<string>;
  turn: Promise<void>;
  /** Nobody follows the user's changes for it any more: whoever comes next opens another one. */
  isLost: boolean;
  stop: () => void;
}

export function createFeed(
  { store, progress, log, readBudget }: {
    store: Store;
    progress: ProgressBoard;
    log: Log;
    readBudget: BudgetReader;
  },
): Feed {
  const channels = new Map<string, Channel>();
  const encoded = new WeakMap<Change, { encode: Encode; id: string; bytes: Uint8Array<ArrayBuffer> }>();
  const utf8 = new TextEncoder();
  const beat = utf8.encode(heartbeat);
  let isClosed = false;
  let beating: ReturnType<typeof setInterval> | undefined;

  progress.onReport(({ id, userId }) => {
    const channel = channels.get(userId);
    if (channel !== undefined) announce(userId, { channel, ids: [id] });
  });

  return { open, waitForFinal, end, close, streamCount };

  async function open(
    { since, ...request }: StreamRequest,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const channel = await openChannel(request.userId);
    let reader!: Reader;
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        reader = {
          request,
          isStarted: false,
          waiting: new Map(),
          handedOver: firstCursor,
          offered: firstCursor,
          controller,
          isOver: false,
        };
      },
      pull: () => flush(channel, reader),
      cancel: () => leave(channel, reader),
    }, { highWaterMark: 1 });
    channel.readers.add(reader);
    if (isClosed || channel.isLost) {
      finish(channel, reader);
      return stream;
    }
    beating ??= setInterval(beatAll, heartbeatMs);
    try {
      await inTurn(channel, async () => {
        const { changes, cursor } = await firstChanges({ since, ...request });
        reader.isStarted = true;
        if (since !== undefined && since <= cursor) reader.handedOver = since;
        offer(reader, { changes, cursor });
        flush(channel, reader);
      });
    } catch (error) {
      leave(channel, reader);
      throw error;
    }
    return stream;
  }

  async function firstChanges(
    { userId, promptId, since }: { userId: string; promptId?: string; since?: string },
  ): Promise<Offer> {
    const cursor = await readCursor(store, userId);
    // One from beyond the latest change is of a database that was put back to an earlier state since.
    if (since !== undefined && since <= cursor && promptId === undefined) {
      const { ids, cursor } = await changesSince(userId, since);
      return { changes: await changesOf(userId, await readPrompts(store, ids)), cursor };
    }
    const prompts = promptId === undefined
      ? await listUnfinishedPrompts(store, userId)
      : await readPrompts(store, [promptId]);
    return { changes: await changesOf(userId, prompts), cursor };
  }

  async function changesOf(userId: string, prompts: Versioned<Prompt>[]): Promise<Change[]> {
    const [views, budget] = await Promise.all([
      viewPrompts({ store, progress }, prompts),
      readBudget(userId),
    ]);
    return views.map((view) => ({ view, budget }));
  }

  async function changesSince(userId: string, cursor: string): Promise<{ ids: string[]; cursor: string }> {
    const ids: string[] = [];
    let latest = cursor;
    const selector = { prefix: keys.feedOf(userId), start: keys.feed(userId, `${cursor}!`) };
    for await (const { key, value } of store.kv.list<string>(selector, { batchSize: 500 })) {
      ids.push(value);
      latest = key[2] as string;
    }
    return { ids, cursor: latest };
  }

  async function openChannel(userId: string): Promise<Channel> {
    const known = channels.get(userId);
    if (known !== undefined) {
      known.holders++;
      await known.isReady;
      return known;
    }
    const watch = store.kv.watch<[string]>([keys.feedHead(userId)]).getReader();
    const channel: Channel = {
      holders: 1,
      readers: new Set(),
      waiters: new Map(),
      cursor: firstCursor,
      isReady: Promise.resolve(),
      changed: new Set(),
      turn: Promise.resolve(),
      isLost: false,
      // One that broke off rejects with what `follow` has heard of.
      stop: () => void watch.cancel().catch(() => {}),
    };
    channels.set(userId, channel);
    channel.isReady = readCursor(store, userId).then((cursor) => void (channel.cursor = cursor));
    try {
      await channel.isReady;
    } catch (error) {
      lose(userId, channel);
      throw error;
    }
    void follow(userId, { channel, watch });
    return channel;
  }

  function lose(userId: string, channel: Channel): void {
    channel.isLost = true;
    channel.stop();
    if (channels.get(userId) === channel) channels.delete(userId);
    wakeAll(channel);
  }

  async function follow(
    userId: string,
    { channel, watch }: {
      channel: Channel;
      watch: ReadableStreamDefaultReader<[Deno.KvEntryMaybe<string>]>;
    },
  ): Promise<void> {
    try {
      while (true) {
        const { done, value } = await watch.read();
        if (done) return;
        const [head] = value;
        if (head.versionstamp === null) wakeAll(channel);
        const { ids, cursor } = await changesSince(userId, channel.cursor);
        channel.cursor = cursor;
        for (const id of ids) channel.waiters.get(id)?.forEach((wake) => wake());
        announce(userId, { channel, ids });
      }
    } catch (error) {
      giveUp(userId, { channel, error });
      lose(userId, channel);
    }
  }

  /** Hands the present state of these prompts to all readers, soon and once. */
  function announce(userId: string, { channel, ids }: { channel: Channel; ids: string[] }): void {
    if (channel.readers.size === 0 || ids.length === 0) return;
    const isScheduled = channel.changed.size > 0;
    for (const id of ids) channel.changed.add(id);
    if (isScheduled) return;
    inTurn(channel, () => deliver(userId, channel)).catch((error) => giveUp(userId, { channel, error }));
  }

  function inTurn(channel: Channel, work: () => Promise<void>): Promise<void> {
    const mine = channel.turn.then(work);
    channel.turn = mine.catch(() => {});
    return mine;
  }

  /** Its readers come back by themselves and get all that they missed. */
  function giveUp(userId: string, { channel, error }: { channel: Channel; error: unknown }): void {
    log("error", "feed_lost", { userId, error });
    for (const reader of channel.readers) finish(channel, reader);
  }

  async function deliver(userId: string, channel: Channel): Promise<void> {
    const ids = [...channel.changed];
    const { cursor } = channel;
    channel.changed.clear();
    const prompts = await readPrompts(store, ids);
    const hasStarted = prompts.some(({ value }) => value.status !== "PENDING");
    const movedUp = hasStarted ? await nextInLine(userId, ids) : [];
    const changes = await changesOf(userId, [...prompts, ...movedUp]);
    for (const reader of channel.readers) {
      if (!reader.isStarted) continue;
      offer(reader, { changes, cursor });
      flush(channel, reader);
    }
  }

  async function nextInLine(userId: string, except: string[]) {
    const waiting = [];
    const selector = { prefix: keys.queue(userId, "").slice(0, 2) };
    for await (const { key } of store.kv.list(selector, { limit: movedUpLimit })) {
      waiting.push(key[2] as string);
    }
    return readPrompts(store, waiting.filter((id) => !except.includes(id)));
  }

  function offer(reader: Reader, { changes, cursor }: Offer): void {
    const { promptId } = reader.request;
    const waiting = new Map(reader.waiting);
    for (const change of changes) {
      const { id } = change.view.prompt;
      if (promptId === undefined || promptId === id) waiting.set(id, change);
    }
    reader.waiting = new Map([...waiting].sort(([, a], [, b]) => a.view.cursor < b.view.cursor ? -1 : 1));
    reader.offered = cursor;
  }

  /** Hands over as much as the reader takes now. */
  function flush(channel: Channel, reader: Reader): void {
    const { waiting, controller, request } = reader;
    for (const [promptId, change] of waiting) {
      if (reader.isOver || (controller.desiredSize ?? 0) <= 0) return;
      waiting.delete(promptId);
      reader.handedOver = handedOverBy(reader, change);
      controller.enqueue(encodeOnce(change, { encode: request.encode, id: reader.handedOver }));
      if (request.promptId !== undefined && isFinal(change.view.prompt)) finish(channel, reader);
    }
  }

  /** What waits is newer than the change, and what is newer than `offered` may be missing altogether. */
  function handedOverBy({ waiting, offered, handedOver }: Reader, change: Change): string {
    const { cursor } = change.view;
    const upTo = waiting.size > 0 && cursor < offered ? cursor : offered;
    return upTo > handedOver ? upTo : handedOver;
  }

  /** The bytes of a message, made once for all readers that are equally far. */
  function encodeOnce(
    change: Change,
    { encode, id }: { encode: Encode; id: string },
  ): Uint8Array<ArrayBuffer> {
    const known = encoded.get(change);
    if (known?.encode === encode && known.id === id) return known.bytes;
    const bytes = utf8.encode(serverSentEvent({ id, ...encode(change) }));
    encoded.set(change, { encode, id, bytes });
    return bytes;
  }

  function beatAll(): void {
    const now = store.now();
    for (const channel of channels.values()) {
      for (const reader of channel.readers) {
        const { expiresAt } = reader.request;
        if (expiresAt !== null && expiresAt <= now) finish(channel, reader);
        else if ((reader.controller.desiredSize ?? 0) > 0) reader.controller.enqueue(beat);
      }
    }
  }

  function finish(channel: Channel, reader: Reader): void {
    if (reader.isOver) return;
    reader.controller.close();
    leave(channel, reader);
  }

  function leave(channel: Channel, reader: Reader): void {
    if (reader.isOver) return;
    reader.isOver = true;
    reader.waiting.clear();
    channel.readers.delete(reader);
    release(reader.request.userId, channel);
  }

  function release(userId: string, channel: Channel): void {
    if (--channel.holders > 0) return;
    lose(userId, channel);
    if (channels.size > 0) return;
    clearInterval(beating);
    beating = undefined;
  }

  async function waitForFinal(
    prompt: Prompt,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<void> {
    const channel = await openChannel(prompt.userId);
    let isLate = false;
    let wake = () => {};
    const onWake = () => wake();
    const timer = setTimeout(() => {
      isLate = true;
      onWake();
    }, timeoutMs);
    addWaiter(channel, { promptId: prompt.id, onWake });
    signal.addEventListener("abort", onWake, { once: true });
    try {
      while (!signal.aborted && !isClosed && !isLate && !channel.isLost) {
        const woken = new Promise<void>((resolve) => wake = resolve);
        const current = await readPrompt(store, prompt.id);
        if (current === null || isFinal(current.value)) return;
        await woken;
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onWake);
      removeWaiter(channel, { promptId: prompt.id, onWake });
      release(prompt.userId, channel);
    }
  }

  function end({ userId, credentialId }: { userId?: string; credentialId?: string }): void {
    for (const [channelUser, channel] of channels) {
      if (userId !== undefined && userId !== channelUser) continue;
      for (const reader of channel.readers) {
        if (credentialId === undefined || reader.request.credentialId === credentialId) {
          finish(channel, reader);
        }
      }
    }
  }

  function close(): void {
    isClosed = true;
    end({});
    for (const channel of channels.values()) wakeAll(channel);
    clearInterval(beating);
  }

  function streamCount(): number {
    return channels.values().reduce((sum, channel) => sum + channel.readers.size, 0);
  }
}

/** Whoever waits for a prompt looks at it again: it may be gone. */
function wakeAll({ waiters }: Channel): void {
  for (const each of waiters.values()) each.forEach((wake) => wake());
}

interface Waiter {
  promptId: string;
  onWake: () => void;
}

function addWaiter(channel: Channel, { promptId, onWake }: Waiter): void {
  const waiters = channel.waiters.get(promptId) ?? new Set();
  channel.waiters.set(promptId, waiters.add(onWake));
}

function removeWaiter(channel: Channel, { promptId, onWake }: Waiter): void {
  const waiters = channel.waiters.get(promptId);
  waiters?.delete(onWake);
  if (waiters?.size === 0) channel.waiters.delete(promptId);
}
