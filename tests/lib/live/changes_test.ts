import assert from "node:assert/strict";
import { startDeletions } from "../../fixtures/deletions.ts";
import { mock } from "node:test";
import { createBudgetReader } from "../../../lib/money/budget.ts";
import { type Changes, createChanges, type StreamRequest } from "../../../lib/live/changes.ts";
import { firstCursor, isCursor, readCursor } from "../../../lib/live/cursor.ts";
import { type Change, isOfPrompt, type News } from "../../../lib/live/read_changes.ts";
import { createPresence, type PresenceSignal } from "../../../lib/live/presence.ts";
import { createSignals } from "../../../lib/signals.ts";
import {
  createProgressBoard,
  type ProgressBoard,
  type ProgressReport,
} from "../../../lib/prompts/progress.ts";
import type { Prompt } from "../../../lib/prompts/prompt.ts";
import { readPrompt, removePrompt, writePrompt } from "../../../lib/prompts/prompt_store.ts";
import { changeUser } from "../../../lib/accounts/change_user.ts";
import { sha256 } from "../../../lib/digest.ts";
import { createApiKey, findApiKey, revokeApiKey } from "../../../lib/identity/api_key.ts";
import { endSession, findSession, startSession } from "../../../lib/identity/session.ts";
import type { User } from "../../../lib/users/user.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { heartbeat } from "../../../lib/server_sent_event.ts";
import { keys } from "../../../lib/store/schema.ts";
import { until } from "../../fixtures/until.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  failPrompt,
  failStarted,
  startPrompt,
  type TestStore,
} from "../../fixtures/store.ts";

interface Scene {
  store: TestStore;
  user: User;
  changes: Changes;
  progress: ProgressBoard;
  log: string[];
  open(request?: Partial<StreamRequest>): Promise<Reader>;
  /** On another node, which shares nothing but the database and the signals. */
  openElsewhere(request?: Partial<StreamRequest>): Promise<Reader>;
}

interface Reader {
  /** The id of the latest message. */
  lastId: string;
  /** The next message; null when the stream has ended. */
  next(): Promise<string | null>;
  cancel(): Promise<void>;
}

async function withChanges(work: (scene: Scene) => Promise<void>): Promise<void> {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const reports = createSignals<ProgressReport>();
  const arrivals = createSignals<PresenceSignal>();
  const log: string[] = [];
  const createNode = () => {
    const progress = createProgressBoard(reports);
    const changes = createChanges({
      store,
      models: createTestModels(store.now),
      progress,
      reports,
      arrivals,
      presence: createPresence({ signals: arrivals, now: store.now }),
      log: (_, event) => void log.push(event),
      readBudget: createBudgetReader(store, { defaultBudgetMicros: null }),
    });
    const open = async (request: Partial<StreamRequest> = {}) =>
      readerOf(
        await changes.open({
          userId: user.id,
          credentialId: "session",
          isCredentialGood: () => Promise.resolve(true),
          expiresAt: null,
          encode,
          ...request,
        }),
      );
    return { progress, changes, open };
  };
  const { progress, changes, open } = createNode();
  const elsewhere = createNode();
  try {
    await work({ store, user, changes, progress, log, open, openElsewhere: elsewhere.open });
    assert.deepEqual(log, []);
  } finally {
    elsewhere.changes.close();
    changes.close();
    await until(() => changes.streamCount(), (count) => count === 0);
  }
}

function readerOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Reader {
  const messages = readEventStream(new Response(stream));
  const reader: Reader = {
    lastId: firstCursor,
    async next() {
      const message = await messages.next();
      if (message !== null) reader.lastId = message.id!;
      return message?.data ?? null;
    },
    cancel: () => messages.cancel(),
  };
  return reader;
}

/** There are no batches here. */
function viewOf(news: News): Change["view"] {
  if (!isOfPrompt(news)) throw new Error("There is no prompt");
  return news.view;
}

const encode = (news: News) => {
  const { prompt } = viewOf(news);
  return { data: shown(prompt, prompt.status, prompt.retries) };
};

const shown = (prompt: Prompt, status: string, retries = 0) => `${prompt.id} ${status} ${retries}`;

/** Changes a prompt that has no worker; `retries` counts the changes. */
async function touch(store: TestStore, promptId: string): Promise<void> {
  const before = (await readPrompt(store, promptId))!;
  const after = { ...before.value, retries: before.value.retries + 1 } as Prompt;
  assert.ok((await writePrompt(store.kv, { before, after }).commit()).ok);
}

Deno.test("a new connection starts with all that is unfinished, what changed last at the end", () =>
  withChanges(async ({ store, user, open }) => {
    await completePrompt(store, user);
    const first = (await acceptPrompt(store, user)).prompt.value;
    const second = (await acceptPrompt(store, user)).prompt.value;
    await startPrompt(store, first.id);
    const reader = await open();
    assert.equal(await reader.next(), shown(second, "PENDING"));
    assert.equal(await reader.next(), shown(first, "PROCESSING"));
    await reader.cancel();
  }));

Deno.test("a connection that comes back gets each prompt that changed since once, as it is now", () =>
  withChanges(async ({ store, user, open }) => {
    const before = (await acceptPrompt(store, user)).prompt.value;
    const changing = (await acceptPrompt(store, user)).prompt.value;
    const since = await readCursor(store, user.id);
    for (let i = 0; i < 5; i++) await touch(store, changing.id);
    const completed = await completePrompt(store, user);
    const reader = await open({ since });
    assert.equal(await reader.next(), shown(changing, "PENDING", 5));
    assert.equal(await reader.next(), shown(completed.value, "COMPLETED"));
    await touch(store, before.id);
    assert.equal(await reader.next(), shown(before, "PENDING", 1));
    await reader.cancel();
  }));

Deno.test("nothing falls between the page and its stream, whenever it changes", () =>
  withChanges(async ({ store, user, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    for (let i = 1; i <= 20; i++) {
      const since = await readCursor(store, user.id);
      const [reader] = await Promise.all([open({ since }), touch(store, value.id)]);
      assert.equal(await reader.next(), shown(value, "PENDING", i));
      await reader.cancel();
    }
  }));

Deno.test("a change reaches every open stream of its user, and nobody else's", () =>
  withChanges(async ({ store, user, changes, open }) => {
    const other = await createTestUser(store);
    const readers = await Promise.all([open(), open(), open()]);
    const stranger = await open({ userId: other.id });
    const { value } = (await acceptPrompt(store, user)).prompt;
    for (const reader of readers) assert.equal(await reader.next(), shown(value, "PENDING"));
    const theirs = (await acceptPrompt(store, other)).prompt.value;
    assert.equal(await stranger.next(), shown(theirs, "PENDING"));
    assert.equal(changes.streamCount(), 4);
    await Promise.all([...readers, stranger].map((reader) => reader.cancel()));
    assert.equal(changes.streamCount(), 0);
  }));

Deno.test("a change is rendered once, however many streams show it", () =>
  withChanges(async ({ store, user, open }) => {
    let rendered = 0;
    const counting = (change: News) => ({ data: `${++rendered} ${encode(change).data}` });
    const readers = await Promise.all(Array.from({ length: 20 }, () => open({ encode: counting })));
    const { value } = (await acceptPrompt(store, user)).prompt;
    for (const reader of readers) assert.equal(await reader.next(), `1 ${shown(value, "PENDING")}`);
    await Promise.all(readers.map((reader) => reader.cancel()));
  }));

Deno.test("a prompt's own stream begins with its present state and ends after its final one", () =>
  withChanges(async ({ store, user, changes, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    await acceptPrompt(store, user);
    const reader = await open({ promptId: value.id });
    assert.equal(await reader.next(), shown(value, "PENDING"));
    const started = await startPrompt(store, value.id);
    assert.equal(await reader.next(), shown(value, "PROCESSING"));
    await failStarted(store, started);
    assert.equal(await reader.next(), shown(value, "FAILED"));
    assert.equal(await reader.next(), null);
    assert.equal(changes.streamCount(), 0);
  }));

Deno.test("the own stream of a prompt that was final before has one message", () =>
  withChanges(async ({ store, user, open }) => {
    const { value } = await failPrompt(store, user);
    const reader = await open({ promptId: value.id });
    assert.equal(await reader.next(), shown(value, "FAILED"));
    assert.equal(await reader.next(), null);
  }));

Deno.test("a reader that does not read gets the latest state, not every step", () =>
  withChanges(async ({ store, user, open }) => {
    const prompts = [];
    for (let i = 0; i < 3; i++) prompts.push((await acceptPrompt(store, user)).prompt.value);
    const slow = await open();
    const quick = await open();
    for (let i = 1; i <= 30; i++) for (const { id } of prompts) await touch(store, id);
    const last = new Set(prompts.map((prompt) => shown(prompt, "PENDING", 30)));
    const unseen = new Set(last);
    while (unseen.size > 0) unseen.delete((await quick.next())!);
    const taken: string[] = [];
    while (!last.isSubsetOf(new Set(taken))) taken.push((await slow.next())!);
    // What had been handed over before (decoder and socket hold a few), then one state of each prompt.
    assert.ok(taken.length <= 3 + 3, `${taken.length} messages`);
    await Promise.all([slow.cancel(), quick.cancel()]);
  }));

Deno.test("a reader that is cut off again and again, and goes on from the last id, misses nothing", {
  timeout: 20_000,
}, () =>
  withChanges(async ({ store, user, open }) => {
    const prompts: Prompt[] = [];
    for (let i = 0; i < 5; i++) prompts.push((await acceptPrompt(store, user)).prompt.value);
    const since = await readCursor(store, user.id);
    const changing = (async () => {
      for (let i = 1; i <= 40; i++) await touch(store, prompts[i * 7 % 5].id);
    })();
    const unseen = new Set(prompts.map((prompt) => shown(prompt, "PENDING", 8)));
    for (let cuts = 0, lastId = since; unseen.size > 0; cuts++) {
      const reader = await open({ since: lastId });
      for (let i = 0; i <= cuts % 4 && unseen.size > 0; i++) unseen.delete((await reader.next())!);
      lastId = reader.lastId;
      await reader.cancel();
    }
    await changing;
  }));

Deno.test("a reader that is cut off after its first message still learns of all the others", () =>
  withChanges(async ({ store, user, open }) => {
    const watching = await open();
    const prompts: Prompt[] = [];
    for (let i = 0; i < 5; i++) prompts.push((await acceptPrompt(store, user)).prompt.value);
    for (let round = 1; round <= 15; round++) {
      const since = await readCursor(store, user.id);
      for (const { id } of prompts.slice(0, 3)) await touch(store, id);
      const [reader] = await Promise.all([open({ since }), touch(store, prompts[3].id)]);
      const seen = [await reader.next()];
      await reader.cancel();
      await touch(store, prompts[4].id);
      const next = await open({ since: reader.lastId });
      while (seen.at(-1) !== shown(prompts[4], "PENDING", round)) seen.push(await next.next());
      await next.cancel();
      const due = prompts.map((prompt) => shown(prompt, "PENDING", round));
      assert.deepEqual(due.filter((state) => !seen.includes(state)), []);
    }
    await watching.cancel();
  }));

Deno.test("progress that is stored nowhere arrives too", () =>
  withChanges(async ({ store, user, progress, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    await startPrompt(store, value.id);
    const reader = await open({
      encode: (news) => ({ data: `${viewOf(news).progress?.stage} ${viewOf(news).progress?.percent}` }),
    });
    assert.equal(await reader.next(), "undefined undefined");
    progress.report(value, { stage: "generating", percent: 40 });
    assert.equal(await reader.next(), "generating 40");
    await reader.cancel();
  }));

Deno.test("when one prompt starts, those behind it learn that they moved up", () =>
  withChanges(async ({ store, user, open }) => {
    const first = (await acceptPrompt(store, user)).prompt.value;
    const second = (await acceptPrompt(store, user)).prompt.value;
    const reader = await open({
      encode: (news) => ({ data: `${viewOf(news).prompt.id} ${viewOf(news).position}` }),
    });
    assert.equal(await reader.next(), `${first.id} 0`);
    assert.equal(await reader.next(), `${second.id} 1`);
    await startPrompt(store, first.id);
    assert.deepEqual(
      new Set([await reader.next(), await reader.next()]),
      new Set([`${first.id} null`, `${second.id} 0`]),
    );
    await reader.cancel();
  }));

/** How each kind of credential ends; what one node does, the streams of all others have to notice. */
const ends: {
  name: string;
  end: (scene: { store: TestStore; user: User }, session: string) => Promise<unknown>;
}[] = [
  {
    name: "a session that is ended",
    end: ({ store, user }, hash) => endSession(store, { userId: user.id, hash }),
  },
  {
    name: "a user who is disabled",
    end: async ({ store, user }) => {
      const actor = await createTestUser(store, { role: "owner" });
      await changeUser(store, { actor, userId: user.id, changes: { isDisabled: true } });
    },
  },
  {
    name: "an account that is deleted",
    end: async ({ store, user }) => {
      await createTestUser(store, { role: "owner" });
      const deletions = startDeletions({
        store,
        models: createTestModels(store.now),
        blobs: { delete: () => Promise.resolve(), isHolding: () => false },
        log: () => {},
      });
      await deletions.request(user.id);
      await deletions.stop();
    },
  },
];

for (const { name, end } of ends) {
  Deno.test(`${name} has no stream any more, on whichever node`, () =>
    withChanges(async ({ store, user, changes, open, openElsewhere }) => {
      const other = await createTestUser(store);
      const credentials = await Promise.all(
        [user, other].map(async ({ id }) => sha256(await startSession(store, id))),
      );
      const [mine, theirs] = [user, other].map(({ id }, i) => ({
        userId: id,
        credentialId: credentials[i],
        isCredentialGood: async () => await findSession(store, credentials[i]) !== null,
      }));
      const [here, there, stranger] = [await open(mine), await openElsewhere(mine), await open(theirs)];
      await end({ store, user }, credentials[0]);
      assert.equal(await inTime(here.next()), null);
      assert.equal(await inTime(there.next()), null);
      const { value } = (await acceptPrompt(store, other)).prompt;
      assert.equal(await stranger.next(), shown(value, "PENDING"));
      assert.equal(changes.streamCount(), 1);
      await stranger.cancel();
    }));
}

Deno.test("a key that is revoked ends its streams, and those of the user's other credentials go on", () =>
  withChanges(async ({ store, user, open }) => {
    const secrets = await Promise.all(
      [1, 2].map(() => createApiKey(store, { userId: user.id, name: "", scope: "all", expiresAt: null })),
    );
    const [ended, kept] = await Promise.all(secrets.map((secret) =>
      open({
        credentialId: sha256(secret),
        isCredentialGood: async () => await findApiKey(store, sha256(secret)) !== null,
      })
    ));
    const { key } = (await findApiKey(store, sha256(secrets[0])))!;
    await revokeApiKey(store, { userId: user.id, keyId: key.id });
    assert.equal(await inTime(ended.next()), null);
    const { value } = (await acceptPrompt(store, user)).prompt;
    assert.equal(await kept.next(), shown(value, "PENDING"));
    await kept.cancel();
  }));

Deno.test("progress on one node reaches the streams of another", () =>
  withChanges(async ({ store, user, progress, openElsewhere }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    await startPrompt(store, value.id);
    const reader = await openElsewhere({
      encode: (news) => ({ data: `${viewOf(news).progress?.stage} ${viewOf(news).progress?.percent}` }),
    });
    assert.equal(await reader.next(), "undefined undefined");
    progress.report(value, { stage: "generating", percent: 40 });
    assert.equal(await inTime(reader.next()), "generating 40");
    await reader.cancel();
  }));

Deno.test("a stream's first bytes come at once, also where there is nothing to tell", () =>
  withChanges(async ({ user, changes }) => {
    const stream = await changes.open({
      userId: user.id,
      credentialId: "session",
      isCredentialGood: () => Promise.resolve(true),
      expiresAt: null,
      encode,
    });
    const reader = stream.getReader();
    const { value } = await inTime(reader.read());
    assert.deepEqual(value, new TextEncoder().encode(heartbeat));
    await reader.cancel();
  }));

Deno.test("who looks without a stream is told what changed since and what runs, with its progress", () =>
  withChanges(async ({ store, user, changes, progress }) => {
    const running = (await acceptPrompt(store, user)).prompt.value;
    const waiting = (await acceptPrompt(store, user)).prompt.value;
    await startPrompt(store, running.id);
    const since = await readCursor(store, user.id);
    const shownOf = async (from: string) => {
      const { changes: found, cursor } = await changes.missed({ userId: user.id, since: from });
      return {
        ids: found.map((news) => viewOf(news).prompt.id),
        percents: found.map((news) => viewOf(news).progress?.percent),
        cursor,
      };
    };
    progress.report(running, { stage: "generating", percent: 40 });
    const quiet = await shownOf(since);
    assert.equal(quiet.cursor, since);
    assert.deepEqual([quiet.ids[0], quiet.percents[0]], [running.id, 40]);
    await touch(store, waiting.id);
    const later = await shownOf(since);
    assert.ok(later.ids.includes(waiting.id) && later.cursor > since);
    const afterRestore = await shownOf("f".repeat(20));
    assert.deepEqual(new Set(afterRestore.ids), new Set([running.id, waiting.id]));
    assert.equal(afterRestore.cursor, later.cursor);
  }));

Deno.test("once closed it ends all streams, and new ones at once", () =>
  withChanges(async ({ store, user, changes, open }) => {
    await acceptPrompt(store, user);
    const reader = await open();
    await reader.next();
    changes.close();
    assert.equal(await reader.next(), null);
    assert.equal(await (await open()).next(), null);
    assert.equal(changes.streamCount(), 0);
  }));

Deno.test("an idle stream gets a comment every 15 seconds, and ends when its credential has expired", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    await withChanges(async ({ store, user, changes, open }) => {
      const reader = await open({ expiresAt: store.now() + 20_000 });
      const first = await changes.open({
        userId: user.id,
        credentialId: "other",
        isCredentialGood: () => Promise.resolve(true),
        expiresAt: null,
        encode,
      });
      const idle = first.getReader();
      await idle.read();
      mock.timers.tick(15_000);
      assert.deepEqual((await idle.read()).value, new TextEncoder().encode(heartbeat));
      store.clock.advance(20_000);
      mock.timers.tick(15_000);
      assert.equal(await reader.next(), null);
      assert.equal(changes.streamCount(), 1);
      await idle.cancel();
    });
  } finally {
    mock.timers.reset();
  }
});

Deno.test("of several nodes each looks at credentials by itself within fifteen seconds, whatever watches tell", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    await withChanges(async ({ store, open }) => {
      store.isShared = true;
      let isGood = true;
      const reader = await open({ isCredentialGood: () => Promise.resolve(isGood) });
      const other = await open({ credentialId: "other" });
      isGood = false;
      for (let i = 0; i < 3; i++) mock.timers.tick(5000);
      assert.equal(await reader.next(), null);
      await other.cancel();
    });
  } finally {
    mock.timers.reset();
  }
});

Deno.test("waiting for the final state ends with it", () =>
  withChanges(async ({ store, user, changes }) => {
    const started = await startPrompt(store, (await acceptPrompt(store, user)).prompt.value.id);
    const waiting = changes.waitForFinal(started.value, {
      timeoutMs: 600_000,
      signal: new AbortController().signal,
    });
    await failStarted(store, started);
    await waiting;
    assert.equal((await readPrompt(store, started.value.id))!.value.status, "FAILED");
  }));

Deno.test("waiting ends at once for a prompt that is final, with the caller's leaving, and with the changes", () =>
  withChanges(async ({ store, user, changes }) => {
    const { signal } = new AbortController();
    await changes.waitForFinal((await failPrompt(store, user)).value, { timeoutMs: 600_000, signal });
    const { value } = (await acceptPrompt(store, user)).prompt;
    await changes.waitForFinal(value, { timeoutMs: 0, signal });
    await changes.waitForFinal(value, { timeoutMs: 600_000, signal: AbortSignal.abort() });
    const leaving = new AbortController();
    const left = changes.waitForFinal(value, { timeoutMs: 600_000, signal: leaving.signal });
    leaving.abort();
    await left;
    const waiting = changes.waitForFinal(value, { timeoutMs: 600_000, signal });
    changes.close();
    await waiting;
  }));

Deno.test("waiting ends when the prompt and all others of its user are taken away", () =>
  withChanges(async ({ store, user, changes }) => {
    const { prompt } = await acceptPrompt(store, user);
    const { signal } = new AbortController();
    const isRead = Promise.withResolvers<void>();
    const get = store.kv.get.bind(store.kv);
    store.kv.get = async <T>(key: Deno.KvKey) => {
      const entry = await get<T>(key);
      if (key.includes(prompt.value.id)) isRead.resolve();
      return entry;
    };
    const waiting = changes.waitForFinal(prompt.value, { timeoutMs: 600_000, signal });
    await isRead.promise;
    const atomic = store.kv.atomic();
    const head = { value: prompt.value.id, versionstamp: prompt.versionstamp };
    removePrompt(atomic, { prompt, head });
    assert.ok((await atomic.commit()).ok);
    await waiting;
  }));

/** Fails where the work takes longer than five seconds. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it takes too long")), 5000);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The database can't read changes as long as `isBroken`. */
function breakChanges(store: TestStore): { isBroken: boolean } {
  const state = { isBroken: true };
  const { list, get } = store.kv;
  store.kv.get = <T>(key: Deno.KvKey, options?: { consistency?: Deno.KvConsistencyLevel }) => {
    if (state.isBroken && key[0] === "change_head") throw new Error("disk I/O");
    return get<T>(key, options);
  };
  store.kv.list = <T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
    if (state.isBroken && "prefix" in selector && selector.prefix[0] === "change") {
      throw new Error("disk I/O");
    }
    return list<T>(selector, options);
  };
  return state;
}

Deno.test("a user whose changes could not be read once has them the next time", () =>
  withChanges(async ({ store, user, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    const state = breakChanges(store);
    await assert.rejects(open(), /disk/);
    state.isBroken = false;
    const reader = await open();
    assert.equal(await reader.next(), shown(value, "PENDING"));
    await touch(store, value.id);
    assert.equal(await reader.next(), shown(value, "PENDING", 1));
    await reader.cancel();
  }));

Deno.test("what changes for an account that is gone ends its streams, and is no trouble", () =>
  withChanges(async ({ store, user, open, log }) => {
    const { prompt } = await acceptPrompt(store, user);
    const started = await startPrompt(store, prompt.value.id);
    const reader = await open();
    await reader.next();
    await store.kv.delete(keys.user(user.id));
    await failStarted(store, started);
    while (await reader.next() !== null);
    assert.deepEqual(log, []);
  }));

Deno.test("where the changes of a user can't be followed any more, everybody starts anew", () =>
  withChanges(async ({ store, user, changes, log, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    const reader = await open();
    assert.equal(await reader.next(), shown(value, "PENDING"));
    const { signal } = new AbortController();
    const waiting = changes.waitForFinal(value, { timeoutMs: 600_000, signal });
    const state = breakChanges(store);
    await touch(store, value.id);
    assert.equal(await reader.next(), null);
    state.isBroken = false;
    const next = await open();
    await inTime(waiting);
    assert.equal(await next.next(), shown(value, "PENDING", 1));
    await touch(store, value.id);
    assert.equal(await inTime(next.next()), shown(value, "PENDING", 2));
    await next.cancel();
    assert.deepEqual(log.splice(0), ["changes_lost"]);
  }));

Deno.test("a cursor of a database that was put back to an earlier state is none", () =>
  withChanges(async ({ store, user, open }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    const reader = await open({ since: "f".repeat(20) });
    assert.equal(await inTime(reader.next()), shown(value, "PENDING"));
    assert.equal(reader.lastId, await readCursor(store, user.id));
    await reader.cancel();
  }));

Deno.test("waiting ends in time although the clock is set back meanwhile", () =>
  withChanges(async ({ store, user, changes }) => {
    const { value } = (await acceptPrompt(store, user)).prompt;
    const waiting = changes.waitForFinal(value, { timeoutMs: 20, signal: new AbortController().signal });
    store.clock.advance(-3600_000);
    await inTime(waiting);
  }));

Deno.test("cursors are versionstamps, and the first is before all of them", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  assert.equal(await readCursor(store, user.id), firstCursor);
  const { prompt } = await acceptPrompt(store, user);
  assert.equal(await readCursor(store, user.id), prompt.versionstamp);
  assert.ok(isCursor(prompt.versionstamp) && isCursor(firstCursor) && firstCursor < prompt.versionstamp);
  for (
    const other of ["", "1", "g".repeat(20), firstCursor.slice(1), `${firstCursor}0`, `${firstCursor}\n`]
  ) {
    assert.equal(isCursor(other), false);
  }
});
