/**
 * All that this process does for one user's readers: one watch wakes it, the changed prompts are read and rendered
 * once and handed to all of the user's streams. The same watch tells when a credential may have ended, on whichever
 * node that was, and those who came with it are looked at again.
 */
import { createInTurn, type InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { pausesChangedKeys } from "../prompts/pause.ts";
import { keys } from "../store/schema.ts";
import { readMany } from "../store/store.ts";
import { AccountGone } from "../users/user.ts";
import { batchesChangedSince, changedSince, firstCursor, latestOf, readCursor } from "./cursor.ts";
import { type ChangeDeps, readChanged, readTopicNews, type TopicNews } from "./read_changes.ts";
import { finish, offer, type Reader } from "./reader.ts";
import { topicName } from "./topic.ts";

export interface ChannelDeps extends ChangeDeps {
  log: Log;
}

export interface Channel {
  userId: string;
  /** Open streams and waiters; without any, the channel closes. */
  holders: number;
  readers: Set<Reader>;
  /** Who waits for which prompt to become final. */
  waiters: Map<string, Set<() => void>>;
  /** Every change up to here was announced. */
  cursor: string;
  isReady: Promise<void>;
  /** What to read and hand over; what is read later is never older, since it is done one after another. */
  announced: Announcement;
  inTurn: InTurn;
  /** Nobody follows the user's changes for it any more: whoever comes next opens another one. */
  isLost: boolean;
  stop: () => void;
}

/** Prompts, those of them whose records changed, batches, pauses, and notices. */
interface Announcement {
  ids: Set<string>;
  recorded: Set<string>;
  batchIds: Set<string>;
  /** Something was paused or resumed that concerns the user. */
  isPauseChanged: boolean;
  /** The user was told of something, or has seen it. */
  areNoticesChanged: boolean;
  /** Names of topics; of each whether who is here has changed, or it itself. */
  topics: Map<string, { withPresence: boolean }>;
}

function nothingAnnounced(): Announcement {
  return {
    ids: new Set(),
    recorded: new Set(),
    batchIds: new Set(),
    isPauseChanged: false,
    areNoticesChanged: false,
    topics: new Map(),
  };
}

type Watch = ReadableStreamDefaultReader<Deno.KvEntryMaybe<unknown>[]>;

/** Begins to follow a user's changes; `onLost` is called where that ends, by `loseChannel` or by trouble. */
export function openChannel(
  deps: ChannelDeps,
  { userId, onLost }: { userId: string; onLost: (channel: Channel) => void },
): Channel {
  const { store } = deps;
  const watch: Watch = store.kv.watch([
    keys.changeHead(userId),
    keys.batchHead(userId),
    keys.user(userId),
    keys.credentialEnded(userId),
    keys.noticeHead(userId),
    ...pausesChangedKeys(userId),
  ]).getReader();
  const channel: Channel = {
    userId,
    holders: 0,
    readers: new Set(),
    waiters: new Map(),
    cursor: firstCursor,
    isReady: Promise.resolve(),
    announced: nothingAnnounced(),
    inTurn: createInTurn(),
    isLost: false,
    stop() {
      // One that broke off rejects with what `follow` has heard of.
      watch.cancel().catch(() => {});
      onLost(channel);
    },
  };
  channel.isReady = Promise.all([
    readCursor(store, userId),
    readMany(store.kv, [keys.noticeHead(userId), ...pausesChangedKeys(userId)]),
  ]).then(([cursor, standing]) => {
    channel.cursor = cursor;
    void follow(deps, { channel, watch, standing: standing.map((found) => found?.versionstamp ?? null) });
  });
  return channel;
}

export function loseChannel(channel: Channel): void {
  if (channel.isLost) return;
  channel.isLost = true;
  channel.stop();
  wakeAll(channel);
}

async function follow(
  deps: ChannelDeps,
  { channel, watch, standing }: {
    channel: Channel;
    watch: Watch;
    /** The versions of the head of the notices and of `pausesChangedKeys` before any reader began. */
    standing: (string | null)[];
  },
) {
  let seen: (string | null | undefined)[] = [undefined, undefined, undefined, undefined, ...standing];
  try {
    while (true) {
      const { done, value } = await watch.read();
      if (done) return;
      const versions = value.map(({ versionstamp }) => versionstamp);
      const [head, batchHead, user, credential, notices, ...pauses] = versions.map((version, i) =>
        version !== seen[i]
      );
      seen = versions;
      if (head || batchHead) await takeChanges(deps, { channel, heads: versions.slice(0, 2) });
      if (pauses.includes(true)) announceStanding(deps, { channel, what: { isPauseChanged: true } });
      if (notices) announceStanding(deps, { channel, what: { areNoticesChanged: true } });
      if (user || credential) wakeAll(channel);
      if (user || credential) await channel.inTurn(() => endUnwelcome(channel));
    }
  } catch (error) {
    giveUp(deps, { channel, error });
    loseChannel(channel);
  }
}

/** So few look for themselves what has become of their prompts; reading all that changed would take longer. */
const fewWaiters = 8;

async function takeChanges(
  deps: ChannelDeps,
  { channel, heads }: { channel: Channel; heads: readonly (string | null)[] },
): Promise<void> {
  const { userId, cursor: since, readers, waiters } = channel;
  const upTo = latestOf(heads);
  const areFew = readers.size === 0 && waiters.size <= fewWaiters;
  if (areFew || heads[0] === null) wakeAll(channel);
  if (areFew) {
    channel.cursor = upTo > since ? upTo : since;
    return;
  }
  const { ids, cursor } = await changedSince(deps.store, { userId, since, upTo });
  const batchIds = await batchesChangedSince(deps.store, { userId, since, upTo: cursor });
  channel.cursor = cursor;
  for (const id of ids) channel.waiters.get(id)?.forEach((wake) => wake());
  announce(deps, { channel, ids, isRecorded: true, batchIds });
}

/** Hands the present state of these prompts and batches to all readers, soon and once. */
export function announce(
  deps: ChannelDeps,
  { channel, ids, isRecorded, batchIds = [] }: {
    channel: Channel;
    ids: readonly string[];
    /** The records of the prompts changed, and so did their batches; otherwise it is their progress. */
    isRecorded: boolean;
    batchIds?: readonly string[];
  },
): void {
  if (channel.readers.size === 0 || ids.length + batchIds.length === 0) return;
  const { announced } = channel;
  const isScheduled = isAnything(announced);
  for (const id of ids) announced.ids.add(id);
  if (isRecorded) { for (const id of ids) announced.recorded.add(id); }
  for (const id of batchIds) announced.batchIds.add(id);
  if (!isScheduled) deliverSoon(deps, channel);
}

/** Tells all readers how everything stands, and after a pause of the prompts that wait the next ones. */
function announceStanding(
  deps: ChannelDeps,
  { channel, what }: {
    channel: Channel;
    what: Partial<Pick<Announcement, "isPauseChanged" | "areNoticesChanged">>;
  },
): void {
  if (channel.readers.size === 0) return;
  const isScheduled = isAnything(channel.announced);
  Object.assign(channel.announced, what);
  if (!isScheduled) deliverSoon(deps, channel);
}

/** Something that several people look at has changed, or who is here. */
export function announceTopic(
  deps: ChannelDeps,
  { channel, name, withPresence }: { channel: Channel; name: string; withPresence: boolean },
): void {
  const { announced } = channel;
  const isScheduled = isAnything(announced);
  const known = announced.topics.get(name)?.withPresence ?? false;
  announced.topics.set(name, { withPresence: known || withPresence });
  if (!isScheduled) deliverSoon(deps, channel);
}

function isAnything(announced: Announcement): boolean {
  return announced.topics.size > 0 || isOfUser(announced);
}

/** Something of the user's own has changed. */
function isOfUser({ ids, batchIds, isPauseChanged, areNoticesChanged }: Announcement): boolean {
  return ids.size + batchIds.size > 0 || isPauseChanged || areNoticesChanged;
}

function deliverSoon(deps: ChannelDeps, channel: Channel): void {
  channel.inTurn(() => deliver(deps, channel)).catch((error) => giveUp(deps, { channel, error }));
}

async function deliver(deps: ChannelDeps, channel: Channel): Promise<void> {
  const { cursor, userId, announced } = channel;
  const { ids, batchIds, topics, ...rest } = announced;
  channel.announced = nothingAnnounced();
  const changes = isOfUser(announced)
    ? await readChanged(deps, { userId, ids: [...ids], batchIds: [...batchIds], ...rest })
    : [];
  for (const reader of channel.readers) {
    if (!reader.isStarted) continue;
    // Whatever was announced: a reader's place among the changes says that of its topics nothing before is missing.
    const ofTopics = await readTopicsOf(deps, { reader, announced: topics });
    offer(reader, { changes: [...ofTopics, ...changes], cursor });
    if (ofTopics.some(({ what }) => what === "gone")) finish(reader);
  }
}

/** What there is to tell a reader of its topics. Those that it may not see any more it does not follow any more. */
export async function readTopicsOf(
  deps: ChannelDeps,
  { reader, announced }: { reader: Reader; announced: ReadonlyMap<string, { withPresence: boolean }> },
): Promise<TopicNews[]> {
  const { userId, topics = [] } = reader.request;
  const all: TopicNews[] = [];
  for (const topic of topics) {
    const name = topicName(topic);
    const since = reader.told.get(name);
    if (since === undefined) continue;
    const withPresence = announced.get(name)?.withPresence ?? false;
    const { news, upTo } = await readTopicNews(deps, { topic, userId, since, withPresence });
    if (news.some(({ what }) => what === "gone")) reader.told.delete(name);
    else reader.told.set(name, upTo);
    all.push(...news);
  }
  return all;
}

/** Ends the streams of credentials that do not count any more. */
export async function endUnwelcome(channel: Channel): Promise<void> {
  const byCredential = Map.groupBy(channel.readers, ({ request }) => request.credentialId);
  await Promise.all(
    byCredential.values().map(async (readers) => {
      if (!await readers[0].request.isCredentialGood()) readers.forEach(finish);
    }),
  );
}

/** Its readers come back by themselves and get all that they missed, unless their account is gone. */
function giveUp({ log }: ChannelDeps, { channel, error }: { channel: Channel; error: unknown }): void {
  if (!(error instanceof AccountGone)) log("error", "changes_lost", { userId: channel.userId, error });
  for (const reader of channel.readers) finish(reader);
}

/** Whoever waits for a prompt looks at it again: it may be gone. */
export function wakeAll({ waiters }: Channel): void {
  for (const each of waiters.values()) each.forEach((wake) => wake());
}
