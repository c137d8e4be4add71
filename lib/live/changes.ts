/**
 * What changes for a user, as streams and as waiting for the end of a prompt. A cursor is the version at which a
 * prompt last changed, and each prompt has one place there, so this never grows beyond the prompts and a reader who
 * comes back late gets each changed prompt once, as it is now.
 *
 * `channel.ts` follows one user, `reader.ts` serves one stream, `backlog.ts` says what waits for it.
 */
import type { Prompt } from "../prompts/prompt.ts";
import type { ProgressReport } from "../prompts/progress.ts";
import type { Signals } from "../signals.ts";
import {
  announce,
  announceTopic,
  type Channel,
  type ChannelDeps,
  endUnwelcome,
  loseChannel,
  openChannel,
  readTopicsOf,
  wakeAll,
} from "./channel.ts";
import { firstCursor } from "./cursor.ts";
import type { PresenceSignal } from "./presence.ts";
import { type Offer, readFirst, readMissed } from "./read_changes.ts";
import {
  beat,
  createEncodeOnce,
  finish,
  leave,
  openReader,
  type Reader,
  type ReaderRequest,
  startReader,
} from "./reader.ts";
import { watchKey } from "../store/watch_key.ts";
import { keys } from "../store/schema.ts";
import { type Topic, topicName } from "./topic.ts";
import { waitInChannel, type WaitOptions } from "./wait_for_final.ts";

export interface StreamRequest extends ReaderRequest {
  /** Begin with all that changed since; without it, with all prompts that are not final. */
  since?: string;
}

export interface Changes {
  open(request: StreamRequest): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** For whoever has no stream: what changed since, and what runs. */
  missed(request: { userId: string; since: string; topics?: readonly Topic[] }): Promise<Offer>;
  /**
   * Resolves when the prompt is final, after `timeoutMs`, when the signal is aborted, or where nobody can tell any
   * more: read it again then.
   */
  waitForFinal(prompt: Prompt, options: WaitOptions): Promise<void>;
  /** Ends all streams; new ones end at once. */
  close(): void;
  streamCount(): number;
}

export interface ChangesDeps extends ChannelDeps {
  /** Progress, which is stored nowhere. */
  reports: Pick<Signals<ProgressReport>, "subscribe">;
  /** Who looks at what, which is stored nowhere either. */
  arrivals: Pick<Signals<PresenceSignal>, "subscribe">;
}

/** Pages that hear nothing for longer believe that something holds their stream back: see static/scripts/live.js. */
const heartbeatMs = 5000;
/** Of several nodes one may end a credential while no watch tells of it: each is looked at with every third heartbeat. */
const lookedAtEvery = 3;

export function createChanges(deps: ChangesDeps): Changes {
  const { store } = deps;
  const channels = createChannels(deps);
  const encodeOnce = createEncodeOnce();
  const readers = new Set<Reader>();
  const topics = createTopics(deps);
  let beating: ReturnType<typeof setInterval> | undefined;
  let beats = 0;
  let isClosed = false;

  const stopListening = deps.reports.subscribe(({ promptId, userId, progress }) => {
    const channel = channels.find(userId);
    // That it does not run any more is told by its record.
    if (channel !== undefined && progress !== null) {
      announce(deps, { channel, ids: [promptId], isRecorded: false });
    }
  });

  return {
    open,
    missed: (request) => readMissed(deps, request),
    async waitForFinal(prompt, options) {
      const channel = await channels.hold(prompt.userId);
      try {
        await waitInChannel(channel, { store, prompt, ...options, isClosed: () => isClosed });
      } finally {
        channels.release(channel);
      }
    },
    close() {
      isClosed = true;
      stopListening();
      topics.close();
      readers.forEach(finish);
      for (const channel of channels.all()) wakeAll(channel);
    },
    streamCount: () => readers.size,
  };

  async function open(
    { since, ...request }: StreamRequest,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const channel = await channels.hold(request.userId);
    const { reader, stream } = openReader({ request, encodeOnce, onOver: () => drop(channel, reader) });
    channel.readers.add(reader);
    readers.add(reader);
    topics.hold(channel, reader);
    if (isClosed || channel.isLost) {
      finish(reader);
      return stream;
    }
    beating ??= setInterval(beatAll, heartbeatMs);
    try {
      await channel.inTurn(async () => {
        const first = await readFirst(deps, { since, ...request });
        for (const topic of request.topics ?? []) reader.told.set(topicName(topic), since ?? firstCursor);
        const announced = new Map(
          (request.topics ?? []).map((topic) => [topicName(topic), { withPresence: true }]),
        );
        const ofTopics = await readTopicsOf(deps, { reader, announced });
        startReader(reader, { first: { ...first, changes: [...ofTopics, ...first.changes] }, since });
      });
      topics.arrive(reader);
    } catch (error) {
      leave(reader);
      throw error;
    }
    return stream;
  }

  function drop(channel: Channel, reader: Reader): void {
    channel.readers.delete(reader);
    readers.delete(reader);
    topics.release(reader);
    channels.release(channel);
    if (readers.size > 0) return;
    clearInterval(beating);
    beating = undefined;
  }

  function beatAll(): void {
    const now = store.now();
    for (const reader of readers) {
      beat(reader, { now });
      topics.arrive(reader);
    }
    deps.presence.sweep();
    topics.lookAround();
    if (store.isShared) lookAtCredentials();
  }

  /** Not at all of them in the same moment. */
  function lookAtCredentials(): void {
    beats++;
    for (const channel of channels.all()) {
      if (channel.userId.charCodeAt(channel.userId.length - 1) % lookedAtEvery !== beats % lookedAtEvery) {
        continue;
      }
      // While the database does not tell, nobody is sent away; the next look will.
      channel.inTurn(() => endUnwelcome(channel)).catch((error) =>
        deps.log("warn", "credentials_not_read", { userId: channel.userId, error })
      );
    }
  }
}

/** What the readers of this process look at together with others. */
interface Topics {
  hold(channel: Channel, reader: Reader): void;
  release(reader: Reader): void;
  /** The reader's person is there, as far as they may be. */
  arrive(reader: Reader): void;
  /** Tells where somebody has left. */
  lookAround(): void;
  close(): void;
}

interface Followed {
  name: string;
  readers: Map<Reader, Channel>;
  /** Who was here when that was told last. */
  here: string;
  stopping: AbortController;
}

function createTopics(deps: ChangesDeps): Topics {
  const { store, presence, log } = deps;
  const followed = new Map<string, Followed>();
  const stopListening = deps.arrivals.subscribe(({ topic }) => {
    const found = followed.get(topic);
    if (found !== undefined) look(found);
  });

  return {
    hold(channel, reader) {
      for (const topic of reader.request.topics ?? []) {
        const found = followed.get(topicName(topic)) ?? follow(topic);
        found.readers.set(reader, channel);
      }
    },
    release(reader) {
      for (const topic of reader.request.topics ?? []) {
        const found = followed.get(topicName(topic));
        found?.readers.delete(reader);
        if (found?.readers.size !== 0) continue;
        found.stopping.abort();
        followed.delete(found.name);
      }
    },
    arrive(reader) {
      for (const name of reader.told.keys()) presence.here(name, reader.request.userId);
    },
    lookAround: () => followed.forEach(look),
    close() {
      stopListening();
      for (const { stopping } of followed.values()) stopping.abort();
    },
  };

  function follow(topic: Topic): Followed {
    const found: Followed = {
      name: topicName(topic),
      readers: new Map(),
      here: "",
      stopping: new AbortController(),
    };
    followed.set(found.name, found);
    void watchKey(store.kv, {
      key: keys.topicHead(topic.kind, topic.id),
      onWrite: () => tell(found, { withPresence: false }),
      signal: found.stopping.signal,
      log,
    });
    return found;
  }

  function look(found: Followed): void {
    const here = JSON.stringify(presence.list(found.name));
    if (here === found.here) return;
    found.here = here;
    tell(found, { withPresence: true });
  }

  function tell({ name, readers }: Followed, { withPresence }: { withPresence: boolean }): void {
    for (const channel of new Set(readers.values())) announceTopic(deps, { channel, name, withPresence });
  }
}

interface Channels {
  find(userId: string): Channel | undefined;
  /** The user's channel once it follows; it stays as long as somebody holds it. */
  hold(userId: string): Promise<Channel>;
  release(channel: Channel): void;
  all(): Channel[];
}

function createChannels(deps: ChannelDeps): Channels {
  const channels = new Map<string, Channel>();
  return {
    find: (userId) => channels.get(userId),
    async hold(userId) {
      const channel = channels.get(userId) ?? openChannel(deps, { userId, onLost: forget });
      channels.set(userId, channel);
      channel.holders++;
      try {
        await channel.isReady;
      } catch (error) {
        loseChannel(channel);
        throw error;
      }
      return channel;
    },
    release(channel) {
      if (--channel.holders === 0) loseChannel(channel);
    },
    all: () => [...channels.values()],
  };

  function forget(channel: Channel): void {
    if (channels.get(channel.userId) === channel) channels.delete(channel.userId);
  }
}
