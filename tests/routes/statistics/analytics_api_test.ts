import assert from "node:assert/strict";
import Papa from "papaparse";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { keys } from "../../../lib/store/schema.ts";
import { rollupOf } from "../../../lib/statistics/rollup.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { createEditingStandIn, perSourceMicros, plainPng, sendUpload } from "../../fixtures/uploads.ts";

const json = async (client: Client, query = "") => {
  const answer = await client.get(`/api/v1/analytics${query}`);
  return { status: answer.status, body: await answer.json() };
};

type Row = Record<string, string>;

const parse = (text: string): Row[] =>
  Papa.parse(text.replace("\ufeff", ""), { header: true, skipEmptyLines: true }).data as Row[];

const csv = async (client: Client, query: string) => {
  const answer = await client.get(`/api/v1/analytics?format=csv${query}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "text/csv; charset=utf-8");
  return parse(await answer.text());
};

Deno.test("numbers of some days are told by day and model, with their sum", async () => {
  let at = Date.parse("2026-11-29T23:00:00Z");
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, now: () => at });
  const program = await studio.withKey();
  await finished(program, await submit(program, { count: 2 }));
  at = Date.parse("2026-11-30T08:00:00Z");
  standIn.scripts.push(
    failWith(new ProviderFailure("content_policy", "no", { outcome: "not_created" })),
  );
  await finished(program, await submit(program));
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  const cancelled = await submit(program);
  await until(() => standIn.submitted.length, (count) => count === 4);
  await program.post(`/api/v1/prompts/${cancelled}/cancel`);
  gate.resolve();
  await until(
    async () => (await (await program.get(`/api/v1/prompts/${cancelled}`)).json()).prompt.ledger,
    (ledger) => ledger !== null,
  );
  const { status, body } = await json(program, "?from=2026-11-29&to=2026-11-30");
  assert.equal(status, 200);
  const of = { userId: studio.owner.id, model: "stand-in" };
  assert.deepEqual(body.days.map(({ p50Ms: _, p95Ms: __, ...row }: Record<string, unknown>) => row), [
    {
      day: "2026-11-29",
      ...of,
      prompts: 1,
      completed: 1,
      failed: 0,
      images: 2,
      costMicros: 2 * standInPriceMicros,
      lostMicros: 0,
      failures: {},
    },
    {
      day: "2026-11-30",
      ...of,
      prompts: 2,
      completed: 0,
      failed: 1,
      images: 0,
      costMicros: standInPriceMicros,
      lostMicros: standInPriceMicros,
      failures: { content_policy: 1 },
    },
  ]);
  assert.equal(body.days[1].p50Ms, null);
  const { total } = body;
  assert.deepEqual(
    [total.prompts, total.completed, total.failed, total.images, total.costMicros, total.lostMicros],
    [3, 1, 1, 2, 3 * standInPriceMicros, standInPriceMicros],
  );
  assert.deepEqual((await json(program, "?from=2026-11-29&to=2026-11-29")).body.days.length, 1);
  assert.deepEqual((await json(program, "?from=2026-10-01&to=2026-10-31")).body, {
    success: true,
    days: [],
    total: {
      prompts: 0,
      completed: 0,
      failed: 0,
      images: 0,
      costMicros: 0,
      lostMicros: 0,
      failures: {},
      p50Ms: null,
      p95Ms: null,
    },
  });
});

Deno.test("a prompt that is finished later counts as completed on the day on which it was booked, once", async () => {
  let at = Date.parse("2026-11-28T12:00:00Z");
  let isFull = false;
  await using studio = await createStudio({
    standIn: createEditingStandIn(),
    now: () => at,
    storagePatienceMs: 0,
    blobs: (disk) => ({
      ...disk,
      put: (key, ...more) =>
        isFull && !key.includes(".") ? Promise.reject(new Error("no room")) : disk.put(key, ...more),
    }),
  });
  const program = await studio.withKey();
  const { image } = await (await sendUpload(program, await plainPng({ width: 512, height: 512 }))).json();
  const shapes = [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }];
  const { mask } = await (await program.post("/api/v1/masks", { image: image.id, shapes })).json();
  isFull = true;
  const change = { prompt: "a boat", sources: [{ id: image.id }], mask: mask.id };
  const promptId = await submit(program, change);
  await finished(program, promptId);
  const query = "?from=2026-11-28&to=2026-11-30";
  const numbers = async () => {
    const { body } = await json(program, query);
    return body.days.map(({ p50Ms: _, p95Ms: __, ...row }: Record<string, unknown>) => row);
  };
  const booked = {
    day: "2026-11-28",
    userId: studio.owner.id,
    model: "stand-in",
    prompts: 1,
    costMicros: standInPriceMicros + perSourceMicros,
  };
  const failed = { completed: 0, failed: 1, images: 0, lostMicros: booked.costMicros };
  const before = await until(numbers, (rows) => rows.length > 0);
  assert.deepEqual(before, [{ ...booked, ...failed, failures: { storage_failed: 1 } }]);
  at = Date.parse("2026-11-30T12:00:00Z");
  assert.equal((await program.post(`/api/v1/prompts/${promptId}/finish`)).status, 503);
  assert.deepEqual(await numbers(), before, "finished in vain");
  isFull = false;
  const finish = () => program.post(`/api/v1/prompts/${promptId}/finish`);
  const statuses = (await Promise.all([finish(), finish()])).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [200, 409]);
  // Pictures are those of the ledger, which stays as it was booked.
  const completed = { completed: 1, failed: 0, images: 0, lostMicros: 0, failures: {} };
  assert.deepEqual(await numbers(), [{ ...booked, ...completed }]);
  const { images: [made] } = await (await program.get("/api/v1/images?kind=made")).json();
  const starred = await program.patch(`/api/v1/images/${made.imageId}`, { rating: 5 });
  assert.equal(starred.status, 200);
  const keepers = await (await (await studio.withSession()).get(`/usage/keepers.json${query}`)).json();
  assert.deepEqual(
    keepers.rows.map((
      { keepers, costPerKeeperMicros }: Record<string, number>,
    ) => [keepers, costPerKeeperMicros]),
    [[1, booked.costMicros]],
  );
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("the numbers of all are for admins; for others there is nothing there", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember();
  const theirs = await studio.withKey(member);
  await finished(theirs, await submit(theirs));
  const owner = await studio.withKey(studio.owner, "read");
  const { body } = await json(owner, "?scope=all");
  assert.deepEqual(body.days.map(({ userId }: { userId: string }) => userId), [member.id]);
  assert.deepEqual((await json(owner)).body.days, []);
  assert.equal((await json(theirs, "?scope=all")).status, 404);
  assert.equal((await json(theirs, "?scope=all&format=csv")).status, 404);
  assert.equal((await json(theirs)).body.days.length, 1);
});

Deno.test("days that are none, the wrong way round or too many are refused, and so is any other scope or form", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const refused: [string, RegExp][] = [
    ["from=2026-11-30&to=2026-11-01", /from must not be after to/],
    ["from=2026-02-30", /from takes a day such as 2026-11-30/],
    ["from=yesterday", /from takes a day/],
    ["to=2026-1-1", /to takes a day/],
    ["to=2026-11-30T00:00:00Z", /to takes a day/],
    ["from=0000-00-00", /from takes a day/],
    ["from=0001-01-01&to=0001-01-02", /from takes a day/],
    ["to=9999-12-31", /to takes a day/],
    ["from=%2B010000-01-01", /from takes a day/],
    ["from=2026-11-30%00", /from takes a day|address/],
    ["from=2025-10-26&to=2026-11-30", /at most 400 days/],
    ["scope=everybody", /scope takes mine or all/],
    ["format=xml", /format takes json or csv/],
  ];
  for (const [query, words] of refused) {
    const { status, body } = await json(program, `?${query}`);
    assert.equal(status, 400, query);
    assert.match(body.error.message, words, query);
    assert.equal(body.error.code, "invalid_request");
  }
  assert.equal((await json(program, "?from=2025-10-27&to=2026-11-30")).status, 200);
  assert.equal((await json(program, "?from=2026-11-30&to=2026-11-30")).status, 200);
  assert.equal((await json(program, "?from=8999-01-01&to=8999-12-31")).status, 200);
});

/** A model that says it is a formula, booked by hand. */
async function bookHostile(studio: Studio, model: string): Promise<void> {
  const entry = {
    promptId: "p",
    userId: studio.owner.id,
    model,
    images: 1,
    costMicros: 7,
    basis: "table" as const,
    priceRow: null,
    isAboveHold: false,
    tableMicros: 0,
    at: Date.parse("2026-11-30T00:00:00Z"),
  };
  await studio.store.kv.set(keys.rollup(studio.owner.id, "2026-11-30", model), rollupOf({ entry }));
}

Deno.test("a table has the columns of the JSON, and no name becomes a formula", async () => {
  await using studio = await createStudio();
  const person = await studio.withSession();
  const names = ['=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\tx", 'a,"b"', "line\r\nbreak", "‮evil"];
  for (const name of names) await bookHostile(studio, name);
  const query = "&from=2026-11-30&to=2026-11-30";
  const rows = await csv(person, query);
  assert.deepEqual(Object.keys(rows[0]), [
    "day",
    "userId",
    "model",
    "prompts",
    "completed",
    "failed",
    "images",
    "costMicros",
    "lostMicros",
    "failures",
    "p50Ms",
    "p95Ms",
  ]);
  const guarded = names.map((name) => /^\s*[=+\-@]|^[\t\r\n]/.test(name) ? `'${name}` : name);
  assert.deepEqual(rows.map(({ model }) => model).toSorted(), guarded.toSorted());
  for (const path of ["/usage/models.csv", "/admin/analytics/models.csv", "/admin/analytics/people.csv"]) {
    const found = parse(await (await person.get(`${path}?range=90${query}`)).text());
    assert.deepEqual(found.map(({ model }) => model).toSorted(), guarded.toSorted(), path);
  }
  const page = await (await person.get(`/usage?${query.slice(1)}`)).text();
  assert.doesNotMatch(page, /<script>alert/);
  assert.match(page, /=cmd\|&quot;\/c calc&quot;!A1/);
});
