import assert from "node:assert/strict";
import { startDeletions, type StartedDeletions } from "../../fixtures/deletions.ts";
import { createApiKey, openApiKey } from "../../../lib/identity/api_key.ts";
import type { Blobs } from "../../../lib/blobs/blobs.ts";
import type { AccountDeletion } from "../../../lib/accounts/delete_account.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { changedSince, firstCursor } from "../../../lib/live/cursor.ts";
import { newBoardInput } from "../../../lib/boards/board.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { putOnBoard } from "../../../lib/boards/board_pictures.ts";
import { correctCharge } from "../../../lib/accounts/correct_charge.ts";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import { createInvitation } from "../../../lib/identity/invitation.ts";
import { failure } from "../../../lib/prompts/failure_words.ts";
import { type Correction, readLedger } from "../../../lib/money/ledger.ts";
import { imagesOf, type Task } from "../../../lib/prompts/prompt.ts";
import { savePortrait } from "../../../lib/accounts/portrait.ts";
import { listUnfinishedPrompts, readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { rebuild } from "../../../lib/operation/rebuild.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import { openSession, startSession } from "../../../lib/identity/session.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import { type DeletedAccountSpend, listUsers, type User } from "../../../lib/users/user.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { readBatch } from "../../../lib/batches/batch_store.ts";
import { batchPrefix } from "../../../lib/blobs/blobs.ts";
import { acceptTestBatch, beginRows } from "../../fixtures/batches.ts";
import { setScene } from "../../fixtures/damage.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { picture, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";
import {
  acceptPrompt,
  cancelUnbilled,
  completePrompt,
  createTestModels,
  createTestPasskey,
  createTestStore,
  createTestUser,
  dump,
  failStarted,
  losePrompt,
  startPrompt,
  type TestStore,
} from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";
import { noCharge } from "../../../lib/money/charge.ts";

interface Process {
  deletions: StartedDeletions;
  log: string[];
}

function startProcess(store: Store, blobs: Pick<Blobs, "delete">): Process {
  const log: string[] = [];
  const deletions = startDeletions({
    store,
    models: createTestModels(store.now),
    blobs: { ...blobs, isHolding: () => false },
    log: (_, event) => void log.push(event),
    retryMs: 5,
  });
  return { deletions, log };
}

async function isFinished(store: TestStore, userId: string): Promise<boolean> {
  const { value } = await store.kv.get<AccountDeletion>(keys.deletion(userId));
  return typeof value?.finishedAt === "number";
}

const finished = (store: TestStore, user: User) => until(() => isFinished(store, user.id), Boolean);

const allCancelled = (store: TestStore, user: User) =>
  until(() => listUnfinishedPrompts(store, user.id), (unfinished) => unfinished.length === 0);

async function violations(store: TestStore, blobs: Blobs): Promise<string[]> {
  return (await verify(store, { blobs })).violations.map(({ rule, subject }) => `${rule} ${subject}`);
}

/** Every entry that still names somebody, but for the record of the deletion and the list of changes. */
async function traces(store: TestStore, ids: string[]): Promise<string[]> {
  const all = await dump(store);
  const text = (value: unknown) => JSON.stringify(value, (_, part) => typeof part === "bigint" ? "n" : part);
  return Object.entries(all)
    .filter(([key, [value]]) => ids.some((id) => key.includes(id) || text(value)?.includes(id)))
    .map(([key]) => key)
    .filter((key) => !/^(deletion|audit|ledger) /.test(key));
}

/** A user with prompts in every state, a bystander with some of their own, and the owner. */
async function setTheScene(store: TestStore) {
  const scene = await setScene(store);
  const { user, blobs } = scene;
  const owner = await createTestUser(store, { role: "owner" });
  const bystander = await createTestUser(store, { name: "Bob" });
  const bobs = (await completePrompt(store, bystander, { blobs })).value;
  await acceptPrompt(store, bystander);
  await startSession(store, bystander.id);
  await acceptPrompt(store, user, { idempotency: { key: "k", body: {} } });
  await savePortrait(store, { userId: user.id, bytes: await picture(512, 512) });
  await createTestPasskey(store, user);
  await createTestPasskey(store, bystander);
  await createInvitation(store, { createdBy: user.id, name: "Carl" });
  const trashed = (await completePrompt(store, user, { blobs, request: { count: 2 } })).value;
  await deleteImage(store, imagesOf(trashed)[0]);
  const doubtful = (await losePrompt(store, user)).value;
  const other = (await losePrompt(store, user)).value;
  await correctCharge(store, { promptId: other.id, billedMicros: 7, by: "Owner", note: "looked up" });
  return { ...scene, owner, bystander, bobs, trashed, doubtful, corrected: other };
}

/** What the worker does for prompts whose bill is due: here, the provider billed nothing. */
async function settleBills(store: TestStore, promptIds: string[]): Promise<void> {
  for (const promptId of promptIds) {
    const before = await readPrompt(store, promptId);
    if (before?.value.status !== "CANCELLED" || !before.value.isChargeDue) continue;
    const tasks = before.value.tasks.map(({ count, images, received }): Task => ({
      state: "failed",
      count,
      images,
      ...(received && { received }),
      charge: noCharge,
      failure: failure("cancelled"),
    }));
    await writeProgress(store, { before, after: { ...before.value, tasks, isChargeDue: false } });
  }
}

async function ledgerSum(store: TestStore): Promise<number> {
  let sum = 0;
  for await (const { value } of store.kv.list<{ costMicros: number }>({ prefix: ["ledger"] })) {
    sum += value.costMicros;
  }
  return sum;
}

Deno.test("nothing of a deleted account stays but its amounts, and nobody else loses anything", async () => {
  using store = await createTestStore();
  const scene = await setTheScene(store);
  const { user, bystander, bobs, blobs } = scene;
  const before = await dump(store);
  const [sum, allBlobs] = [await ledgerSum(store), [...blobs.contents.keys()]];
  const { deletions } = startProcess(store, blobs);
  await deletions.request(user.id);
  await allCancelled(store, user);
  await settleBills(store, [scene.cancelled.id, scene.running.id, scene.finishing.id]);
  await finished(store, user);
  await deletions.stop();

  const named = [scene.session, scene.completed.id, scene.running.id, scene.upload.id, scene.mask.id];
  assert.deepEqual(await traces(store, [user.id, ...named]), []);
  const after = await dump(store);
  const ofBob = (all: typeof before) => Object.entries(all).filter(([key]) => key.includes(bystander.id));
  assert.ok(ofBob(before).length > 5);
  assert.deepEqual(ofBob(after), ofBob(before));
  assert.deepEqual(
    [...blobs.contents.keys()],
    allBlobs.filter((key) => imagesOf(bobs).some(({ id }) => key.includes(id))),
  );
  assert.equal(blobs.contents.size, 1);
  // What was received of the prompt that was cancelled while it was put together was made, and is paid.
  assert.equal(await ledgerSum(store), sum + standInPriceMicros);
  const correction = await store.kv.get<Correction>(keys.correction(scene.corrected.id));
  assert.equal(correction.value?.userId, null);
  await correctCharge(store, { promptId: scene.doubtful.id, billedMicros: 0, by: "Owner", note: "late" });
  const [entry] = await readLedger(store, [scene.completed.id]);
  assert.deepEqual([entry!.value.userId, entry!.value.costMicros], [null, 40_000]);
  assert.deepEqual(await violations(store, blobs), []);
  assert.deepEqual(await rebuild(store), []);
  assert.equal(await openApiKey(store, scene.apiKey), null);
});

Deno.test("a prompt whose bill is not known yet is waited for, and the amount is booked", async () => {
  using store = await createTestStore();
  const { user, blobs, cancelled } = await setTheScene(store);
  const first = startProcess(store, blobs);
  await first.deletions.request(user.id);
  await allCancelled(store, user);
  await first.deletions.stop();
  assert.equal(await isFinished(store, user.id), false);
  assert.deepEqual(await violations(store, blobs), []);
  const before = (await readPrompt(store, cancelled.id))!;
  const tasks = before.value.tasks.map((task) => ({
    ...task,
    state: "failed" as const,
    charge: { costMicros: 5, basis: "reported" as const, priceRow: null },
    failure: { reason: "cancelled" as const, message: "", detail: null },
  }));
  const after = { ...before.value, tasks, isChargeDue: false, status: "CANCELLED" as const, finishedAt: 1 };
  await writeProgress(store, { before, after });
  const { deletions } = startProcess(store, blobs);
  await deletions.start();
  await until(async () => {
    await settleBills(store, await unsettled(store));
    return isFinished(store, user.id);
  }, Boolean);
  await deletions.stop();
  const [entry] = await readLedger(store, [cancelled.id]);
  assert.deepEqual([entry!.value.userId, entry!.value.costMicros], [null, 5]);
});

Deno.test("a prompt that is settled just before it is erased waits for its new turn, and the feed stays right", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const cancelled = (await cancelUnbilled(store, user)).value;
  await completePrompt(store, user, { blobs });
  const found: string[] = [];
  let isSettled = false;
  const kv = new Proxy(store.kv, {
    get(target, name) {
      if (name === "get") {
        return async (key: Deno.KvKey) => {
          if (String(key) === String(keys.prompt(cancelled.id)) && !isSettled) {
            isSettled = true;
            await settleBills(store, [cancelled.id]);
          }
          return await target.get(key);
        };
      }
      if (name === "atomic") {
        return () => {
          const atomic = target.atomic();
          const commit = atomic.commit.bind(atomic);
          atomic.commit = async () => {
            const result = await commit();
            found.push(...await violations(store, blobs));
            return result;
          };
          return atomic;
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { deletions } = startProcess(createStore({ kv, now: store.now }), blobs);
  await deletions.request(user.id);
  await finished(store, user);
  await deletions.stop();
  assert.equal(isSettled, true);
  assert.deepEqual(found, []);
});

async function unsettled(store: TestStore): Promise<string[]> {
  return await Array.fromAsync(store.kv.list({ prefix: ["lease"] }), ({ key }) => String(key[1]));
}

/** A process that dies at its n-th write: that one and all later ones never happen. */
function mortal(store: TestStore, blobs: Blobs, lastWrite: number) {
  const killed = Promise.withResolvers<void>();
  let writes = 0;
  const write = <T>(work: () => Promise<T>): Promise<T> => {
    if (++writes <= lastWrite) return work();
    killed.resolve();
    return new Promise(() => {});
  };
  const kv = new Proxy(store.kv, {
    get(target, name) {
      if (name === "atomic") {
        return () => {
          const atomic = target.atomic();
          const commit = atomic.commit.bind(atomic);
          atomic.commit = () => write(commit);
          return atomic;
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    store: createStore({ kv, now: store.now }),
    blobs: { delete: (key: string) => write(() => blobs.delete(key)) },
    killed: killed.promise,
    writes: () => writes,
  };
}

Deno.test("killed at any of its writes, it ends deleted after the restart, and the books are right throughout", async () => {
  let kills = 0;
  for (let lastWrite = 1;; lastWrite++) {
    using store = await createTestStore();
    const scene = await setTheScene(store);
    const { user, blobs, bystander } = scene;
    const first = mortal(store, blobs, lastWrite);
    const dying = startProcess(first.store, first.blobs);
    await dying.deletions.request(user.id);
    let settling = Promise.resolve();
    const settle = () => void (settling = settling.then(() => settleBills(store, bills)));
    const bills = [scene.cancelled.id, scene.running.id];
    const wait = setInterval(settle, 5);
    const end = await Promise.race([
      first.killed.then(() => "killed"),
      finished(store, user).then(() => "finished"),
    ]);
    clearInterval(wait);
    await settling;
    if (end === "finished") {
      await dying.deletions.stop();
      break;
    }
    kills++;
    // It hears nothing any more; what it was about to write it never will have written.
    void dying.deletions.stop();
    assert.deepEqual(await violations(store, blobs), [], `after write ${lastWrite}`);
    assert.equal((await listUsers(store)).some(({ id }) => id === user.id), false);
    assert.equal(await openApiKey(store, scene.apiKey), null);

    const second = startProcess(store, blobs);
    await second.deletions.start();
    await until(async () => {
      await settleBills(store, bills);
      return isFinished(store, user.id);
    }, Boolean);
    await second.deletions.stop();
    assert.deepEqual(await traces(store, [user.id, scene.completed.id]), [], `after write ${lastWrite}`);
    assert.equal(blobs.contents.size, 1);
    assert.deepEqual(await violations(store, blobs), [], `after write ${lastWrite}`);
    assert.ok((await listUsers(store)).some(({ id }) => id === bystander.id));
  }
  assert.ok(kills > 20, `killed ${kills} times`);
});

Deno.test("the last owner stays; of two who go at the same moment one does", async () => {
  for (let i = 0; i < 10; i++) {
    using store = await createTestStore();
    const owners = [
      await createTestUser(store, { role: "owner" }),
      await createTestUser(store, { role: "owner" }),
    ];
    await createTestUser(store, { role: "owner", isDisabled: true });
    const { deletions } = startProcess(store, createMemoryBlobs());
    const results = await Promise.allSettled(owners.map(({ id }) => deletions.request(id)));
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 1);
    assert.ok(refused[0].reason instanceof Refusal && refused[0].reason.code === "conflict");
    await deletions.stop();
  }
});

Deno.test("what was begun before an account was deleted adds nothing to it afterwards", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const blobs = createMemoryBlobs();
  const { deletions } = startProcess(store, blobs);
  await deletions.request(user.id);
  await finished(store, user);
  await deletions.stop();
  const before = await dump(store);
  const isGone = (error: unknown) => error instanceof Refusal && error.code === "unauthorized";
  const key = { userId: user.id, name: "late", scope: "all", expiresAt: null } as const;
  await assert.rejects(createApiKey(store, key), isGone);
  await assert.rejects(startSession(store, user.id), isGone);
  await assert.rejects(acceptPrompt(store, user), isGone);
  await assert.rejects(acceptPrompt(store, user, { idempotency: { key: "k", body: {} } }), isGone);
  await assert.rejects(deletions.request(user.id), isGone);
  await savePortrait(store, { userId: user.id, bytes: await picture(512, 512) });
  assert.deepEqual(await dump(store), before);
});

Deno.test("prompts that are accepted while the account is deleted are refused, or go with it", async () => {
  for (let i = 0; i < 10; i++) {
    using store = await createTestStore();
    const user = await createTestUser(store);
    const blobs = createMemoryBlobs();
    const { deletions } = startProcess(store, blobs);
    const session = await startSession(store, user.id);
    const accepting = Array.from({ length: 20 }, () => acceptPrompt(store, user));
    const results = await Promise.allSettled([
      ...accepting.slice(0, i),
      deletions.request(user.id),
      ...accepting,
    ]);
    for (const result of results) {
      if (result.status === "rejected") assert.equal(result.reason.code, "unauthorized");
    }
    await finished(store, user);
    await deletions.stop();
    assert.deepEqual(await traces(store, [user.id]), []);
    assert.deepEqual(await violations(store, blobs), []);
    assert.equal(await openSession(store, session), null);
  }
});

Deno.test("blobs that do not answer are tried again, and the deletion comes to its end", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const blobs = createMemoryBlobs();
  await completePrompt(store, user, { blobs });
  let failures = 2;
  const { deletions, log } = startProcess(store, {
    delete: (key) => failures-- > 0 ? Promise.reject(new Error("no answer")) : blobs.delete(key),
  });
  await deletions.request(user.id);
  await finished(store, user);
  await deletions.stop();
  assert.deepEqual(log, ["deletion_interrupted", "deletion_interrupted"]);
  assert.equal(blobs.contents.size, 0);
});

Deno.test("a run that still writes loses its prompt to the deletion without a trace", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const blobs = createMemoryBlobs();
  const running = await startPrompt(store, (await acceptPrompt(store, user)).prompt.value.id);
  const { deletions } = startProcess(store, blobs);
  await deletions.request(user.id);
  await until(() => readPrompt(store, running.value.id), (prompt) => prompt?.value.status !== "PROCESSING");
  await until(async () => {
    await settleBills(store, [running.value.id]);
    return isFinished(store, user.id);
  }, Boolean);
  await deletions.stop();
  assert.equal(await failStarted(store, running), null);
  assert.deepEqual(await traces(store, [user.id]), []);
});

Deno.test("prompts that changed in one commit are well, and all go with their account, whichever the head names", async () => {
  using store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  await acceptPrompt(store, user);
  const accepted = await Promise.all(Array.from({ length: 12 }, () => acceptPrompt(store, user)));
  const versions = accepted.map(({ prompt }) => prompt.versionstamp);
  assert.ok(new Set(versions).size < versions.length);
  assert.deepEqual(await violations(store, blobs), []);
  const { ids } = await changedSince(store, { userId: user.id, since: firstCursor });
  assert.deepEqual(new Set(ids.slice(1)), new Set(accepted.map(({ prompt }) => prompt.value.id)));
  const { deletions } = startProcess(store, blobs);
  await deletions.request(user.id);
  await finished(store, user);
  await deletions.stop();
  assert.deepEqual(await violations(store, blobs), []);
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: keys.changesOf(user.id) })), []);
  assert.equal((await store.kv.get(keys.changeHead(user.id))).versionstamp, null);
});

Deno.test("what a batch had reserved is not left to whoever comes back; what its prompts hold is", async () => {
  using store = await createTestStore();
  await createTestUser(store, { role: "owner" });
  const identity = { issuer: "https://id.example", subject: "7" };
  const user = await createTestUser(store, { identity });
  const blobs = createMemoryBlobs();
  const { batch } = await acceptTestBatch({ store, blobs }, user, { rows: 5 });
  await beginRows({ store, blobs }, batch.value);
  const { deletions } = startProcess(store, blobs);
  await deletions.request(user.id);
  const left = await Array.fromAsync(
    store.kv.list<DeletedAccountSpend>({ prefix: [...kinds.deletedAccountSpends] }),
  );
  assert.deepEqual(left.map(({ value }) => value.micros), [2 * standInPriceMicros]);
  await finished(store, user);
  await deletions.stop();
  assert.deepEqual(await violations(store, blobs), []);
  assert.deepEqual([...blobs.contents.keys()], []);
});

Deno.test("an account is deleted while rows of its batch begin, and none begins after that", async () => {
  await using studio = await createStudio();
  const { store, blobs, deps } = studio;
  const user = await studio.addMember();
  const { models, doorbell } = deps;
  const { batch } = await acceptTestBatch(studio, user, { rows: 100, models, doorbell });
  await until(() => readBatch(store, batch.value.id), (found) => found!.value.next > 10);
  await deps.deletions.request(user.id);
  await until(
    async () => (await store.kv.get<AccountDeletion>(keys.deletion(user.id))).value?.finishedAt,
    Boolean,
  );
  const submitted = studio.standIn.submitted.length;
  assert.ok(submitted < 100);
  const report = await verify(store, { blobs });
  assert.deepEqual([report.violations, report.prompts], [[], 0]);
  assert.deepEqual(await Array.fromAsync(blobs.list(batchPrefix)), []);
  assert.ok(!studio.log.some((line) => line.includes("batch_trouble")), studio.log.join("\n"));
});

Deno.test("a prompt goes with all its eight pictures, also from boards, in commits that several nodes' database takes", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const board = await createBoard(store, { userId: user.id, ...newBoardInput.parse({ name: "Sea" }) });
  const prompt = await completePrompt(store, user, { request: { count: 8 } });
  const imageIds = imagesOf(prompt.value).map(({ id }) => id);
  await putOnBoard(store, { userId: user.id, boardId: board.id, imageIds });
  const { deletions, log } = startProcess(store, createMemoryBlobs());
  await deletions.request(user.id);
  await finished(store, user);
  await deletions.stop();
  assert.deepEqual(await traces(store, [prompt.value.id, ...imageIds]), []);
  assert.deepEqual(log.filter((event) => event === "deletion_interrupted"), []);
});
