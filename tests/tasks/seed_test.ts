import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { listAudit } from "../../lib/users/audit.ts";
import { listUnknownCharges } from "../../lib/accounts/correct_charge.ts";
import type { Batch } from "../../lib/batches/batch.ts";
import type { Board } from "../../lib/boards/board.ts";
import type { Comment } from "../../lib/comments/comment.ts";
import type { MadeImage, TrashedImage } from "../../lib/images/image.ts";
import type { LedgerEntry } from "../../lib/money/ledger.ts";
import { openDataDirectory } from "../../lib/operation/data_directory.ts";
import { verify } from "../../lib/operation/verify.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import type { AddedPrice } from "../../lib/catalog/price_book.ts";
import type { Provider } from "../../lib/catalog/provider.ts";
import { createSketch } from "../../lib/providers/sketch.ts";
import type { Recipe } from "../../lib/recipes/recipe.ts";
import { kinds } from "../../lib/store/schema.ts";
import { createStore, type Store } from "../../lib/store/store.ts";
import type { Publication } from "../../lib/publications/publication.ts";
import { listUsers } from "../../lib/users/user.ts";
import { fillDataDirectory } from "../../tasks/seed.ts";
import { createTestDirectory } from "../fixtures/directory.ts";
import { openTestDatabase } from "../fixtures/store.ts";
import { picture, succeed } from "../fixtures/stand_in_provider.ts";

const noon = Date.parse("2026-11-23T12:00:00Z");

/** Offers what the built-in provider offers, and paints nothing. */
const plainPainter: Provider = {
  ...createSketch({ stepMs: 0, sleep: () => Promise.resolve() }),
  generate: succeed,
};

/** Fills a directory and looks at what is in it. */
async function seeded<T>(
  seed: number,
  look: (store: Store, data: { blobs: string }) => Promise<T>,
): Promise<T> {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(join(directory.path, "studio"));
  try {
    await fillDataDirectory(data, { seed, present: () => noon, painter: plainPainter });
    const kv = await openTestDatabase(data.database);
    try {
      return await look(createStore({ kv, now: () => noon }), data);
    } finally {
      kv.close();
    }
  } finally {
    data.close();
  }
}

function all<T>({ kv }: Store, prefix: readonly Deno.KvKeyPart[]): Promise<T[]> {
  return Array.fromAsync(kv.list<T>({ prefix: [...prefix] }), ({ value }) => value);
}

Deno.test("a seeded studio has something of every kind, and a check of its books finds nothing wrong", async () => {
  await picture(512, 512);
  await seeded(1, async (store, { blobs }) => {
    const report = await verify(store, { blobs: createDiskBlobs(blobs) });
    assert.deepEqual(report.violations, []);
    assert.ok(report.images >= 36, `${report.images} pictures`);

    const prompts = await all<Prompt>(store, kinds.prompts);
    const reasons = new Set(prompts.flatMap((each) => each.status === "FAILED" ? [each.failure.reason] : []));
    assert.deepEqual([...reasons].sort(), [
      "bad_result",
      "content_policy",
      "outcome_unknown",
      "provider_billing",
      "provider_failed",
    ]);
    const has = (isIt: (prompt: Prompt) => boolean) => assert.ok(prompts.some(isIt), String(isIt));
    has(({ status }) => status === "CANCELLED");
    has((each) => each.status === "COMPLETED" && each.failure?.reason === "provider_rejected");
    has((each) => each.status === "PENDING" && each.readyAt !== null && each.readyAt > noon);
    has((each) => each.status === "PENDING" && each.readyAt === null);
    has(({ createdAt }) => createdAt < noon - 20 * 24 * 3600 * 1000);
    has(({ createdAt }) => createdAt > noon - 3600 * 1000);
    assert.ok(prompts.every(({ createdAt, status }) => createdAt <= noon && status !== "PROCESSING"));

    const batches = await all<Batch>(store, kinds.batches);
    assert.deepEqual(batches.map(({ state, rows, next }) => [state, rows, next]), [
      ["DONE", 8, 8],
      ["PAUSED", 4, 0],
    ]);
    const [board] = await all<Board>(store, kinds.boards);
    const images = await all<MadeImage>(store, kinds.images);
    const ofBatch = new Set(prompts.flatMap(({ id, batchId }) => batchId === batches[0].id ? [id] : []));
    const stars = images.filter(({ promptId, rating }) => ofBatch.has(promptId) && rating > 0).length;
    assert.ok(stars > 0);
    assert.equal(batches[0].counts.stars, stars);
    assert.equal(images.filter(({ boards }) => boards.some(({ boardId }) => boardId === board.id)).length, 6);
    assert.equal(images.filter(({ tags }) => tags.includes("winter")).length, 3);
    assert.deepEqual(board.members.map(({ role }) => role), ["editor", "viewer"]);
    const said = await all<Comment>(store, kinds.comments);
    const about = said.map(({ subject }) => subject.kind === "board" && subject.imageId !== null);
    assert.deepEqual(about.sort(), [false, true]);
    const recipes = await all<Recipe>(store, kinds.recipes);
    assert.deepEqual(recipes.map(({ boardId }) => boardId === board.id).sort(), [false, true]);
    const entries = await all<LedgerEntry>(store, kinds.ledger);
    assert.deepEqual([...new Set(entries.map(({ basis }) => basis))].sort(), [
      "none",
      "reported",
      "table",
      "unknown",
    ]);
    assert.deepEqual([(await listUnknownCharges(store, { limit: 9 })).length], [1]);
    const shown = await all<Publication>(store, kinds.publications);
    assert.deepEqual(
      ["SHOWN", "REFUSED", "PENDING"].map((state) => shown.filter((each) => each.state === state).length),
      [13, 1, 1],
    );
    assert.deepEqual(
      shown.filter(({ isSensitive, openReports }) => isSensitive || openReports > 0).length,
      2,
    );
    has(({ request }) => request.remixOf !== undefined);
    const users = await listUsers(store);
    assert.deepEqual(users.map(({ role }) => role), ["owner", "admin", "member", "member"]);
    assert.equal(users.filter(({ monthlyBudgetMicros }) => monthlyBudgetMicros !== undefined).length, 3);
    const [price] = await all<AddedPrice>(store, kinds.prices);
    assert.equal(price.model, "rehearsal-one");
    const [trashed] = await all<TrashedImage>(store, kinds.trash);
    assert.ok(trashed.goesAt > noon && !trashed.isGoing);
    const { entries: audit } = await listAudit(store, { limit: 100 });
    const actions = new Set(audit.map(({ action }) => action));
    assert.deepEqual([...actions].sort(), [
      "budget",
      "charge_corrected",
      "invited",
      "joined",
      "price_added",
      "publication_refused",
      "role",
    ]);
  });
});

Deno.test("the same seed makes up the same studio, another seed another one", async () => {
  const tell = (seed: number) =>
    seeded(seed, async (store) => {
      const prompts = await all<Prompt>(store, kinds.prompts);
      const images = await all<MadeImage>(store, kinds.images);
      return {
        prompts: prompts.map(({ request, status, createdAt, sequence, tasks }) => (
          {
            // Ids are another's each time.
            request: { ...request, remixOf: request.remixOf !== undefined },
            status,
            createdAt,
            sequence,
            ends: tasks.map(({ state }) => state),
          }
        )),
        images: images.map(({ seed, model, width, createdAt }) => `${createdAt} ${model} ${width} ${seed}`)
          .sort(),
      };
    });
  const first = await tell(7);
  assert.deepEqual(await tell(7), first);
  assert.notDeepEqual(
    (await tell(8)).prompts.map(({ createdAt }) => createdAt),
    first.prompts.map(({ createdAt }) => createdAt),
  );
});
