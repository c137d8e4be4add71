/**
 * Faults to be planted in a copy of the program, one at a time, each with the shortest story that must catch it: the
 * checker is checked. `old` stands exactly once in its file.
 */
import { cautiousAgents } from "./agent_stories.ts";
import { brokenRequests } from "./requests.ts";
import { endedLinks } from "./share_stories.ts";
import { sortedPictures } from "./board_stories.ts";
import { sharedBoards } from "./together_stories.ts";
import { publicGallery } from "./gallery_stories.ts";
import { checkKill, comebacks, moments } from "./kills.ts";
import { countedPrompts } from "./number_stories.ts";
import { limitedBatches, pausedBatch } from "./batch_stories.ts";
import { checkLotKill, expiredLots, lotMoments } from "./lot_kills.ts";
import type { PromiseName } from "./promises.ts";
import { toldPrograms } from "./hook_stories.ts";
import { savedTexts } from "./recipe_stories.ts";
import { pollingProgram } from "./polling_stories.ts";
import { pausedQueue } from "./queue_stories.ts";
import { repeatedRequests } from "./repeat_stories.ts";
import {
  budgetBurst,
  cancelRace,
  changedParts,
  gracefulStop,
  plainPrompts,
  providerMishaps,
  restoredBackup,
  sameKey,
  type Scenario,
  secondProcess,
  slowSubmission,
  strangers,
} from "./scenarios.ts";

export interface Edit {
  file: string;
  old: string;
  new: string;
}

export interface PlantedFault {
  name: string;
  /** What no longer holds, so what must be noticed. */
  breaks: PromiseName;
  edits: Edit[];
  story: Scenario;
}

const killed = (name: string): Scenario => (options) =>
  checkKill(moments.find((moment) => moment.name === name)!, { comeback: comebacks[0], ...options });

const lotKilled = (name: string): Scenario => (options) =>
  checkLotKill(lotMoments.find((moment) => moment.name === name)!, { comeback: comebacks[0], ...options });

const mishap = (only: string): Scenario => (options) => providerMishaps({ ...options, only });

export const plantedFaults: PlantedFault[] = [
  {
    name: "a submission is repeated when its answer is lost",
    breaks: "once",
    edits: [{
      file: "lib/work/task.ts",
      old: `failure.isRetryable && failure.outcome === "not_created" &&`,
      new: "true &&",
    }],
    story: mishap("an answer that is lost"),
  },
  {
    name: "a submission in doubt is repeated after a restart",
    breaks: "once",
    edits: [{
      file: "lib/work/task.ts",
      old: `if (task.state !== "waiting" && !terms.isRepeatable) {`,
      new: "if (false) {",
    }],
    story: killed("creation of a task, before the answer"),
  },
  {
    name: "a request that is sent again is taken for another one",
    breaks: "repeats",
    edits: [{
      file: "lib/prompts/sent_again.ts",
      old: "const isRepeat = timesBefore > 0;",
      new: "const isRepeat = timesBefore < 0;",
    }],
    story: repeatedRequests,
  },
  {
    name: "all of what a provider made is taken",
    breaks: "kept",
    edits: [{
      file: "lib/work/task_storage.ts",
      old: "prompt.request.edit?.isRestKept",
      new: "(prompt.request.edit?.isRestKept && false)",
    }],
    story: changedParts,
  },
  {
    name: "what may change and what may not are taken for each other",
    breaks: "kept",
    edits: [{
      file: "lib/images/edit_pixels.ts",
      old: "decodeStoredMask(await bytesOf(blobs, blobKeys.mask(mask.maskId)))",
      new:
        "decodeStoredMask(await bytesOf(blobs, blobKeys.mask(mask.maskId))).then((s) => ({ ...s, mask: s.mask.map((v) => 255 - v) }))",
    }],
    story: changedParts,
  },
  {
    name: "what an earlier process has begun is taken for begun just now",
    breaks: "once",
    edits: [{ file: "lib/work/run_prompt.ts", old: "isBegun: lease.isBegun === true", new: "isBegun: true" }],
    story: killed("creation of a task, before the answer"),
  },
  {
    name: "nobody is told of work, and nobody looks for it",
    breaks: "accepted",
    edits: [
      {
        file: "lib/prompts/doorbell.ts",
        old: "return atomic.set(keys.bell(), promptId);",
        new: "return atomic;",
      },
      { file: "lib/store/lapse.ts", old: "lookEveryMs: 2000,", new: "lookEveryMs: 2_000_000," },
    ],
    story: plainPrompts,
  },
  {
    name: "commits of one group are not checked, and do not see each other",
    breaks: "budget",
    edits: [{
      file: "lib/store/group_commit.ts",
      old: "if (isFull || each.isAlone || !canJoin(view, commit)) {",
      new: "if (isFull || each.isAlone) {",
    }, {
      file: "lib/store/group_commit.ts",
      old: "if (!checks.has(check.name)) checks.set(check.name, check);",
      new: "if (group.length === 1) checks.set(check.name, check);",
    }, {
      file: "lib/money/ledger.ts",
      old: "recentBooks.put(seen.userId, open.after(promised));",
      new: "",
    }],
    story: budgetBurst,
  },
  {
    name: "a change builds on the version of the one before it, and not on what that one wrote",
    breaks: "budget",
    edits: [{
      file: "lib/money/ledger.ts",
      old: "account: versioned(changed.account, versionstamp) ?? seen.account,",
      new: "account: { value: seen.account?.value ?? emptyAccount, versionstamp },",
    }],
    story: budgetBurst,
  },
  {
    name: "a task's id is not used after a restart",
    breaks: "resumed",
    edits: [{
      file: "lib/work/task.ts",
      old: `if (task.state === "running" && task.handle !== null && terms.canResume) {`,
      new: "if (false) {",
    }],
    story: killed("question for a task, answered"),
  },
  {
    name: "a prompt is announced as accepted before it is committed",
    breaks: "accepted",
    edits: [{
      file: "lib/money/ledger.ts",
      old: "const result = await commit(atomic);",
      new: `const soon = new Promise((done) => setTimeout(done, 400)).then(() => commit(atomic));
        const result = seen.account === null ? { versionstamp: "00000000000000010000" } : await soon;`,
    }],
    story: killed("accepted"),
  },
  {
    name: "an end is written without a look at the version",
    breaks: "final",
    edits: [
      {
        file: "lib/prompts/prompt_store.ts",
        old: `const atomic = kv.atomic().check({
    key: keys.prompt(after.id),
    versionstamp: before?.versionstamp ?? null,
  });`,
        new: "const atomic = kv.atomic();",
      },
      {
        file: "lib/work/settle.ts",
        old: "atomic.check({ key: ledgerKey, versionstamp: null }).set(ledgerKey, entry)",
        new: "atomic.set(ledgerKey, entry)",
      },
      // Whoever is told at once stops in time, nearly always.
      {
        file: "lib/work/run_prompt.ts",
        old: "const nudge = () => void leased.lookAgain();",
        new: "const nudge = () => {};",
      },
    ],
    story: cancelRace,
  },
  {
    name: "an index keeps what is no longer so",
    breaks: "indexes",
    edits: [{
      file: "lib/prompts/prompt_store.ts",
      old: "for (const list of without(oldLists, newLists)) removeEntry(atomic, list, after.sequence);",
      new: "",
    }],
    story: plainPrompts,
  },
  {
    name: "the hold of what failed is never released",
    breaks: "holds",
    edits: [{
      file: "lib/money/ledger.ts",
      old: "heldMicros: books.account.heldMicros - prompt.holdMicros,",
      new: "heldMicros: books.account.heldMicros - (charge.costMicros === 0 ? 0 : prompt.holdMicros),",
    }],
    story: mishap("a refusal"),
  },
  {
    name: "a charge counts twice in its month",
    breaks: "ledger",
    edits: [{
      file: "lib/money/ledger.ts",
      old: "spentMicros: month.spentMicros + entry.costMicros,",
      new: "spentMicros: month.spentMicros + 2 * entry.costMicros,",
    }],
    story: plainPrompts,
  },
  {
    name: "a budget does not count what is held",
    breaks: "budget",
    edits: [{
      file: "lib/money/budget.ts",
      old: "const used = spend.spentMicros + account.heldMicros;",
      new: "const used = spend.spentMicros;",
    }],
    story: budgetBurst,
  },
  {
    name: "nobody asks whose prompt it is",
    breaks: "strangers",
    edits: [{
      file: "lib/prompts/prompt_store.ts",
      old: `const found = isId(promptId) ? await readPrompt(store, promptId) : null;
  if (found?.value.userId !== userId) throw notFound();`,
      new: `const found = isId(promptId) ? await readPrompt(store, promptId) : null;
  if (found === null) throw notFound();`,
    }],
    story: strangers,
  },
  {
    name: "nobody asks whose picture it is",
    breaks: "strangers",
    edits: [{
      file: "lib/images/image_store.ts",
      old: `const found = isId(imageId) ? await readImage(store, imageId) : null;
  if (found?.value.userId !== userId) throw notFound();`,
      new: `const found = isId(imageId) ? await readImage(store, imageId) : null;
  if (found === null) throw notFound();`,
    }],
    story: strangers,
  },
  {
    name: "a change is told to everybody's streams",
    breaks: "strangers",
    edits: [{
      file: "lib/live/changes.ts",
      old: "const channel = channels.get(userId) ?? openChannel",
      new: "const channel = [...channels.values()][0] ?? openChannel",
    }],
    story: strangers,
  },
  {
    name: "a picture is named before its bytes are there",
    breaks: "pictures",
    edits: [{
      file: "lib/images/store_picture.ts",
      old: "return await blobs.put(key, bytes, contentType);",
      new:
        "return void new Promise((done) => setTimeout(done, 3000)).then(() => blobs.put(key, bytes, contentType));",
    }],
    story: killed("settled"),
  },
  {
    name: "the end of a prompt is not announced",
    breaks: "told",
    edits: [{
      file: "lib/live/read_changes.ts",
      old: "const prompts = await readPrompts(store, ids);",
      new:
        `const prompts = (await readPrompts(store, ids)).filter(({ value }) => value.status !== "COMPLETED");`,
    }],
    story: plainPrompts,
  },
  {
    name: "who comes late is not told the end",
    breaks: "told",
    edits: [{
      file: "lib/live/read_changes.ts",
      old: "return { prompts: await readPrompts(store, [promptId]), batchIds: [] };",
      new:
        `return { prompts: (await readPrompts(store, [promptId])).filter(({ value }) => !value.tasks.some(({ images }) => images.length > 0)), batchIds: [] };`,
    }],
    story: plainPrompts,
  },
  {
    name: "who was cut off is not told what was missed",
    breaks: "told",
    edits: [{
      file: "lib/live/read_changes.ts",
      old: "const { ids, cursor } = await changedSince(store, { userId, since });",
      new: "const { ids, cursor } = await changedSince(store, { userId, since: latest });",
    }],
    story: plainPrompts,
  },
  {
    name: "a stop breaks submissions off",
    breaks: "accepted",
    edits: [{
      file: "lib/work/task.ts",
      old: "return !isStoring && !leavesDoubt(task, terms);",
      new: "return true;",
    }],
    story: gracefulStop,
  },
  {
    name: "a stop leaves streams open",
    breaks: "stop",
    edits: [{ file: "lib/darkroom.ts", old: "changes.close();", new: "" }],
    story: gracefulStop,
  },
  {
    name: "one key makes several prompts",
    breaks: "accepted",
    edits: [{
      file: "lib/prompts/idempotency.ts",
      old: "atomic.check({ key, versionstamp }).set(key,",
      new: "atomic.set(key,",
    }],
    story: sameKey,
  },
  {
    name: "a batch that is stopped keeps its reserve",
    breaks: "holds",
    edits: [{ file: "lib/batches/batch.ts", old: "if (!mayStart) return 0;", new: "" }],
    story: limitedBatches,
  },
  {
    name: "a row of a batch begins twice",
    breaks: "batches",
    edits: [{
      file: "lib/batches/batch.ts",
      old: "nextByte: batch.nextByte + bytes,",
      new: "nextByte: batch.nextByte + (batch.next === 2 ? 0 : bytes),",
    }],
    story: limitedBatches,
  },
  {
    name: "a batch reserves more than its limit leaves",
    breaks: "batches",
    edits: [{
      file: "lib/batches/batch.ts",
      old: "Math.min(limitMicros - chargedMicros - heldMicros, remainingMicros)",
      new: "Math.min(limitMicros - heldMicros, remainingMicros)",
    }],
    story: limitedBatches,
  },
  {
    name: "what waits of a paused batch begins all the same",
    breaks: "batches",
    edits: [{
      file: "lib/batches/batch_store.ts",
      old: "if (isHalted(after) && !wasHalted) writePause(atomic, pauseOf(after));",
      new: "",
    }],
    story: pausedBatch,
  },
  {
    name: "a lot in doubt is submitted again without a look for it",
    breaks: "once",
    edits: [
      {
        file: "lib/work/run_lot.ts",
        old: "if (handle !== null) return await taken(state, handle);",
        new: "",
      },
      {
        file: "lib/work/run_lot.ts",
        old: "const leftMs = since + times.doubtMs - store.now();",
        new: "const leftMs = 0;",
      },
    ],
    story: lotKilled("submission of a lot at OpenAI, before the answer"),
  },
  {
    name: "what expired of a lot is charged",
    breaks: "ledger",
    edits: [{
      file: "lib/providers/lot_wire.ts",
      old: `return new ProviderFailure(reason, message, { outcome: "failed", said });`,
      new: `return new ProviderFailure(reason, message, { outcome: "billed", said });`,
    }],
    story: expiredLots,
  },
  {
    name: "a cancelled task is never charged",
    breaks: "ledger",
    edits: [{
      file: "lib/work/task.ts",
      old: `if (task.state === "waiting" || costsNothing(terms)) return "nothing";`,
      new: `if (true) return "nothing";`,
    }],
    story: cancelRace,
  },
  {
    name: "what nobody knows is free",
    breaks: "ledger",
    edits: [{
      file: "lib/work/task_charge.ts",
      old: `if (outcome === "unknown") return heldCharge(prompt, task);`,
      new: "",
    }],
    story: mishap("an answer that is lost"),
  },
  {
    name: "a picture that can't be used is free",
    breaks: "ledger",
    edits: [{
      file: "lib/work/task_charge.ts",
      old: `if (outcome === "billed") return billedCharge(prompt, { task, cost });`,
      new: "",
    }],
    story: mishap("half a picture, three times"),
  },
  {
    name: "what is no picture is free",
    breaks: "ledger",
    edits: [{
      file: "lib/work/task.ts",
      old: "const charge = billedCharge(prompt, { task, cost: event.cost });",
      new:
        "const charge = event.trouble === null ? billedCharge(prompt, { task, cost: event.cost }) : noCharge;",
    }],
    story: mishap("a picture that is HTML"),
  },
  {
    name: "what is over is taken up again",
    breaks: "accepted",
    edits: [
      { file: "lib/prompts/queue.ts", old: `if (prompt.status !== "PROCESSING") return null;`, new: "" },
      { file: "lib/work/settle.ts", old: ".delete(keys.lease(prompt.id))", new: "" },
    ],
    story: killed("settled"),
  },
  {
    name: "a claim ignores a pause that came after the walk",
    breaks: "queue",
    edits: [
      {
        file: "lib/work/worker.ts",
        old: "const pauses = await readPauses(store);",
        new: "const pauses: Pause[] = [];",
      },
      {
        file: "lib/prompts/queue.ts",
        old: "checkNotPaused(atomic, { userId, batchId, providerId: providerOf(model) });",
        new: "",
      },
    ],
    story: pausedQueue,
  },
  {
    name: "a commit does not tell whose things it changes",
    breaks: "polled",
    edits: [{
      file: "lib/store/group_commit.ts",
      old: "mutations: [...commit.mutations, ...more]",
      new: "mutations: commit.mutations",
    }],
    story: pollingProgram,
  },
  {
    name: "a move loses a prompt",
    breaks: "queue",
    edits: [{
      file: "lib/prompts/prompt_store.ts",
      old: "atomic.set(next.key, next.value);",
      new: "if (old === null) atomic.set(next.key, next.value);",
    }],
    story: pausedQueue,
  },
  {
    name: "an accepted prompt is not put into the queue",
    breaks: "accepted",
    edits: [{
      file: "lib/store/schema.ts",
      old: `if (status !== "PENDING" || lane !== undefined) return [];`,
      new: "return [];",
    }],
    story: plainPrompts,
  },
  {
    name: "work under a lease is not taken up at the start",
    breaks: "resumed",
    edits: [
      {
        file: "lib/work/worker.ts",
        old: "await state.inTurn(async () => takeUp(state, await listLeases(store), isLeft));",
        new: "",
      },
      { file: "lib/store/lapse.ts", old: "lapseMs: 14_000,", new: "lapseMs: 14_000_000," },
    ],
    story: killed("question for a task, answered"),
  },
  {
    name: "leases that are held are taken over, and their number is not looked at",
    breaks: "accepted",
    edits: [
      {
        file: "lib/work/worker.ts",
        old: "takeUp(state, all, (_, promptId) => lapsed.has(promptId))",
        new: "takeUp(state, all, () => true)",
      },
      {
        file: "lib/work/worker.ts",
        old:
          "if (runs.has(promptId) || crashSuspects.some((suspect) => suspect.promptId === promptId)) continue;",
        new: "",
      },
      {
        file: "lib/work/worker.ts",
        old: "if (runs.has(promptId) || stopping.signal.aborted) return;",
        new: "",
      },
      {
        file: "lib/work/leased_prompt.ts",
        old: "if (isOurs && isLeased(found.value)) {",
        new: "if (found !== null && isLeased(found.value)) {",
      },
    ],
    story: slowSubmission,
  },
  {
    name: "two processes may use the same data",
    breaks: "alone",
    edits: [{
      file: "lib/operation/data_directory.ts",
      old: "if (!lock.tryLockSync(true)) {",
      new: "if (false) {",
    }],
    story: secondProcess,
  },
  {
    name: "another user's picture is taken for a source",
    breaks: "strangers",
    edits: [{
      file: "lib/images/named.ts",
      old: "const own = found.map(({ value }) => value).filter((image) => image.userId === userId);",
      new: "const own = found.map(({ value }) => value);",
    }, {
      file: "lib/prompts/request_prompt.ts",
      old: "if (!found.every((record) => record?.value.userId === userId)) throw notFound();",
      new: "if (!found.every((record) => record !== null)) throw notFound();",
    }],
    story: strangers,
  },
  {
    name: "another user's mask is given out",
    breaks: "strangers",
    edits: [{
      file: "lib/images/mask_store.ts",
      old: "if (found?.value.userId !== userId) throw notFound();\n  return found.value;",
      new: "if (!found || !userId) throw notFound();\n  return found.value;",
    }],
    story: strangers,
  },
  {
    name: "a star is answered and not written",
    breaks: "marks",
    edits: [{
      file: "lib/batches/mark_image.ts",
      old: "if (after === before.value || await write(store, { before, after })) return after;",
      new: "return after;",
    }],
    story: sortedPictures,
  },
  {
    name: "a deleted picture leaves its place on a board behind",
    breaks: "indexes",
    edits: [{
      file: "lib/images/image_store.ts",
      old: "for (const { list, number } of placesOf(image)) removeEntry(atomic, list, number);",
      new: "for (const { list, number } of placesOf(image).slice(0, 1)) removeEntry(atomic, list, number);",
    }],
    story: sortedPictures,
  },
  {
    name: "a picture that is brought back has lost its boards",
    breaks: "marks",
    edits: [{
      file: "lib/images/delete_image.ts",
      old: "boards: await boardsStillThere(atomic, { store, userId: image.userId, boards: first }),",
      new: "boards: [],",
    }],
    story: sortedPictures,
  },
  {
    name: "a picture is anybody's who knows a board that it is on",
    breaks: "together",
    edits: [{
      file: "lib/boards/access.ts",
      old: '.filter((board) => mayIn(board, { userId, right: "see" }));',
      new: '.filter((board) => board.ownerId !== userId || mayIn(board, { userId, right: "see" }));',
    }],
    story: sharedBoards,
  },
  {
    name: "that somebody was taken off a board is answered and not written",
    breaks: "together",
    edits: [{
      file: "lib/boards/members.ts",
      old:
        "const after: Board = { ...board, members: board.members.filter((member) => member !== leaving) };",
      new: "const after: Board = { ...board, members: board.members.slice() };",
    }],
    story: sharedBoards,
  },
  {
    name: "a picture comes onto a board that its maker was taken off",
    breaks: "together",
    edits: [{
      file: "lib/boards/filing.ts",
      old: 'const isOpen = board !== null && mayIn(board.value, { userId, right: "edit" });',
      new: "const isOpen = board !== null && userId !== undefined && mayIn !== undefined;",
    }],
    story: sharedBoards,
  },
  {
    name: "the end of a link is answered and not written",
    breaks: "links",
    edits: [{
      file: "lib/shares/share_store.ts",
      old: "if (await write(store, { share: ended, versionstamp })) return ended;",
      new: "return ended;",
    }],
    story: endedLinks,
  },
  {
    name: "a password is asked for on the page alone",
    breaks: "links",
    edits: [{
      file: "routes/shares/shared.tsx",
      old: '.get("/s/:token/file/:number", (c) => guarded(c, (share) => sendPicture(c, share)))',
      new:
        '.get("/s/:token/file/:number", (c) => guarded(c, (share) => sendPicture(c, share), { locked: (share) => sendPicture(c, share) }))',
    }],
    story: endedLinks,
  },
  {
    name: "what is counted begins anew with each prompt",
    breaks: "numbers",
    edits: [{
      file: "lib/work/settle.ts",
      old: "rollup: addToRollup(books, rollupOf({ entry, outcome }))",
      new: "rollup: rollupOf({ entry, outcome })",
    }],
    story: countedPrompts,
  },
  {
    name: "what failed counts as made",
    breaks: "numbers",
    edits: [{
      file: "lib/statistics/rollup.ts",
      old: 'completed: Number(status === "COMPLETED"),',
      new: "completed: 1,",
    }],
    story: countedPrompts,
  },
  {
    name: "a picture that is deleted stays worth keeping",
    breaks: "indexes",
    edits: [{
      file: "lib/images/delete_image.ts",
      old: "await countKept(atomic, { store, image: image.value, by: -1 });",
      new: "",
    }],
    story: countedPrompts,
  },
  {
    name: "an agent pays whatever it costs",
    breaks: "budget",
    edits: [{
      file: "routes/mcp/making_tools.ts",
      old: "const atMostMicros = microsWithin(maxCostUsd ?? 0);",
      new: "const atMostMicros = Infinity;",
    }],
    story: cautiousAgents,
  },
  {
    name: "a backup is taken without its pictures",
    breaks: "backup",
    edits: [{
      file: "lib/operation/backup.ts",
      old:
        "const report = await copyBlobs({ kv, from: blobs, to: target, takeOver }).finally(() => kv.close());",
      new: "const report = { images: 0, missing: [] };\n    kv.close();",
    }],
    story: restoredBackup,
  },
  {
    name: "each attempt to tell a program has an id of its own",
    breaks: "hooks",
    edits: [{
      file: "lib/hooks/attempt.ts",
      old: '"webhook-id": delivery.id,',
      new: '"webhook-id": id,',
    }, {
      file: "lib/hooks/attempt.ts",
      old: "{ hook, id: delivery.id, body, now }",
      new: "{ hook, id, body, now }",
    }, {
      file: "lib/hooks/attempt.ts",
      old: "  const now = store.now();\n  const body",
      new: "  const now = store.now();\n  const id = store.ids();\n  const body",
    }],
    story: toldPrograms,
  },
  {
    name: "what can't be merged is not kept",
    breaks: "recipes",
    edits: [{
      file: "lib/recipes/save_version.ts",
      old: "const isKept = earlier !== null ||",
      new: "const isKept = earlier !== null || draft !== null ||",
    }],
    story: savedTexts,
  },
  {
    name: "who saves last loses to who saved first",
    breaks: "recipes",
    edits: [{
      file: "lib/recipes/merge_words.ts",
      old: "return own === null || others === null ? null : applied(words, own, others);",
      new: "return own === null || others === null ? null : applied(words, [], others);",
    }],
    story: savedTexts,
  },
  {
    name: "what a program did not receive counts as received",
    breaks: "hooks",
    edits: [{
      file: "lib/hooks/delivery.ts",
      old: 'if (isReceived(outcome)) return { ...tried, state: "DELIVERED", dueAt: null };',
      new: 'if (outcome.status !== null) return { ...tried, state: "DELIVERED", dueAt: null };',
    }],
    story: toldPrograms,
  },
  {
    name: "what waits for a moderator is shown",
    breaks: "gallery",
    edits: [{
      file: "lib/publications/visible.ts",
      old: 'return state === "SHOWN" && author !== null',
      new: 'return state !== "WITHDRAWN" && author !== null',
    }],
    story: publicGallery,
  },
  {
    name: "members may report what they like",
    breaks: "gallery",
    edits: [{
      file: "lib/publications/publication.ts",
      old: "reporterIds.length >= membersToHide",
      new: "reporterIds.length > membersToHide",
    }],
    story: publicGallery,
  },
  {
    name: "fields that are not known are let pass",
    breaks: "requests",
    edits: [{
      file: "lib/prompts/prompt_request.ts",
      old: "promptInput = z.strictObject({",
      new: "promptInput = z.object({",
    }],
    story: brokenRequests,
  },
  {
    name: "JSON that is broken is a bug",
    breaks: "requests",
    edits: [{
      file: "routes/http/request_body.ts",
      old:
        'if (!(error instanceof SyntaxError)) throw error;\n    throw new Refusal("invalid_request", "The request body must be valid JSON");',
      new: "throw error;",
    }],
    story: brokenRequests,
  },
];
