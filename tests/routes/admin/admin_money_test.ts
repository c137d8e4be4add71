import assert from "node:assert/strict";
import { type LotAbility, ProviderFailure } from "../../../lib/catalog/provider.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { editModel } from "../../fixtures/edit_stand_in.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  picture,
  standInModel,
} from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const text = async (answer: Response) =>
  (await answer.text()).replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");

async function setScene(standIn = createStandIn(), now?: () => number) {
  const studio = await createStudio({ standIn, now });
  const adminUser = await studio.addMember({ name: "Grace", role: "admin" });
  const memberUser = await studio.addMember({ name: "Ada" });
  return {
    studio,
    standIn,
    memberUser,
    admin: await studio.withSession(adminUser),
    member: await studio.withSession(memberUser),
    program: await studio.withKey(memberUser),
    [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose](),
  };
}

Deno.test("an admin sees what all spent, by user and by model, and takes it along", async () => {
  await using scene = await setScene();
  const { studio, admin, program, memberUser } = scene;
  const promptId = await submit(program, { count: 2, prompt: "a secret wish" });
  await finished(program, promptId);
  const own = await studio.withKey();
  await finished(own, await submit(own));
  const page = await text(await admin.get("/admin/spend"));
  assert.match(page, /All of [A-Z][a-z]+ \d{4}: \$0\.06/);
  assert.match(page, /Ada 2 \$0\.04/);
  assert.match(page, /stand-in 3 \$0\.06/);
  assert.doesNotMatch(page, /Grace \d/);
  const csv = await (await admin.get("/admin/spend.csv")).text();
  const lines = csv.trim().split("\r\n");
  assert.equal(lines.length, 3);
  assert.ok(lines[1].includes(`"${promptId}","${memberUser.id}","stand-in",2,0.04,"table"`), lines[1]);
  assert.ok(!csv.includes("secret wish") && !page.includes("secret wish"));
});

Deno.test("what a deleted account spent still counts in all", async () => {
  await using scene = await setScene();
  const { studio, admin, member, program } = scene;
  await finished(program, await submit(program));
  await member.form("/profile/delete", { confirm: "delete" });
  const page = await until(
    async () => await text(await admin.get("/admin/spend")),
    (page) => /Deleted accounts 1 \$0\.02/.test(page),
  );
  assert.match(page, /All of [A-Z][a-z]+ \d{4}: \$0\.02/);
  await until(async () => (await verify(studio.store, studio)).violations, (found) => found.length === 0);
});

Deno.test("a charge in doubt is put right from the page, once, and who did it is kept", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("outcome_unknown", "lost", { outcome: "unknown" })));
  await using scene = await setScene(standIn);
  const { admin, program, member } = scene;
  const promptId = await submit(program, { prompt: "a secret wish" });
  await finished(program, promptId);
  const page = await text(await admin.get("/admin/spend"));
  assert.match(page, new RegExp(`\\$0\\.02 for Ada, stand-in, .* prompt ${promptId}`));
  assert.ok(!page.includes("secret wish"));
  const send = (fields: Record<string, string>) => admin.form(`/admin/spend/${promptId}`, fields);
  for (
    const odd of [{ billed: "much", note: "x" }, { billed: "-1", note: "x" }, { billed: "0.01", note: " " }]
  ) {
    assert.equal((await send(odd)).status, 400);
  }
  assert.equal((await member.form(`/admin/spend/${promptId}`, { billed: "0", note: "x" })).status, 404);
  const correct = { billed: "$0.0125", note: "their invoice" };
  const statuses = (await Promise.all([send(correct), send(correct)])).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [303, 409]);
  assert.equal((await read(program, promptId)).costMicros, 12_500);
  assert.match(await text(await admin.get("/admin/spend")), /Nothing is in doubt/);
  assert.match(
    await text(await admin.get("/admin/audit")),
    new RegExp(`A charge was put right: prompt ${promptId} was billed \\$0\\.0125 Grace`),
  );
  const csv = await (await admin.get("/admin/spend.csv")).text();
  assert.match(csv, /0\.02,"unknown",-0\.0075,"their invoice"/);
});

Deno.test("a price that is added counts from its day on, is shown with its history, and can't be added twice", async () => {
  let at = Date.parse("2026-11-25T12:00:00Z");
  await using scene = await setScene(createStandIn(), () => at);
  const { admin, program, member } = scene;
  const add = (fields: object) =>
    admin.form("/admin/prices", {
      model: "stand-in",
      size: "*",
      cost: "0.03",
      validFrom: "2026-11-26",
      ...fields,
    });
  const quote = async () =>
    (await (await program.post("/api/v1/quotes", { prompt: "sea" })).json()).costMicros;
  assert.equal((await add({})).status, 303);
  assert.equal(await quote(), 20_000);
  const earlier = await finished(program, await submit(program));
  at = Date.parse("2026-11-26T00:00:00Z");
  assert.equal(await quote(), 30_000);
  const later = await finished(program, await submit(program));
  assert.deepEqual([earlier.ledger.priceRow.costMicros, later.ledger.priceRow.costMicros], [20_000, 30_000]);
  assert.equal((await read(program, earlier.id)).costMicros, 20_000);
  const page = await text(await admin.get("/admin/prices"));
  assert.match(
    page,
    /stand-in standard quality any other size \$0\.03 2026-11-26 added by Grace any other size \$0\.02/,
  );
  const refused: [object, number][] = [
    [{}, 409],
    [{ validFrom: "2026-11-25" }, 400],
    [{ model: "none" }, 400],
    [{ size: "1x1" }, 400],
    [{ cost: "free" }, 400],
  ];
  for (const [fields, status] of refused) {
    assert.equal((await add(fields)).status, status, JSON.stringify(fields));
  }
  assert.equal((await member.form("/admin/prices", {})).status, 404);
  assert.match(
    await text(await admin.get("/admin/audit")),
    /A price was added: stand-in, any other size, \$0\.03 from 2026-11-26 on Grace/,
  );
});

Deno.test("a price of the economy lane stands beside the other, and is told with the model", async () => {
  const standIn = createStandIn({ lots: {} as LotAbility });
  const inLots = { ...standInModel, id: "in-lots", lots: { maxTasks: 40, windowMs: 1000 } };
  Object.assign(standIn.provider, { models: [standInModel, inLots] });
  standIn.prices.push({ ...standIn.prices[0], model: "in-lots" });
  await using scene = await setScene(standIn);
  const { admin, program, studio } = scene;
  const validFrom = new Date(studio.store.now()).toISOString().slice(0, 10);
  const add = (fields: object) =>
    admin.form("/admin/prices", {
      model: "in-lots",
      size: "*",
      cost: "0.01",
      validFrom,
      lane: "economy",
      ...fields,
    });
  const pricesOf = async (model: string) => {
    const { models } = await (await program.get("/api/v1/models")).json();
    const { prices } = models.find(({ id }: { id: string }) => id === model);
    return prices.filter(({ size }: { size: string }) => size === "512x512");
  };
  assert.deepEqual(await pricesOf("in-lots"), [{ size: "512x512", costMicros: 20_000 }]);
  assert.equal((await add({})).status, 303);
  assert.deepEqual(await pricesOf("in-lots"), [
    { size: "512x512", costMicros: 20_000 },
    { size: "512x512", costMicros: 10_000, lane: "economy" },
  ]);
  assert.deepEqual(await pricesOf("stand-in"), [{ size: "512x512", costMicros: 20_000 }]);
  assert.equal((await add({ lane: "now" })).status, 303);
  const refused: [object, number][] = [[{}, 409], [{ model: "stand-in" }, 400], [{ lane: "fast" }, 400]];
  for (const [fields, status] of refused) assert.equal((await add(fields)).status, status);
  assert.match(await text(await admin.get("/admin/prices")), /any other size, economy lane \$0\.01/);
  assert.match(await text(await admin.get("/admin/audit")), /in-lots, any other size, economy lane, \$0\.01/);
  const prompt = await finished(program, await submit(program, { model: "in-lots" }));
  assert.equal(prompt.costMicros, 10_000);
  assert.equal(prompt.ledger.priceRow.lane, undefined);
});

Deno.test("drift shows what providers reported against the price book", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(async function* () {
    yield { type: "submitted", handle: { taskId: "t" } };
    yield { type: "image", bytes: await picture(512, 512) };
    yield { type: "done", cost: { costMicros: 25_000, basis: "reported" } };
  });
  await using scene = await setScene(standIn);
  const { admin, program } = scene;
  assert.match(await text(await admin.get("/admin/prices")), /No provider has reported a cost yet/);
  await finished(program, await submit(program));
  await finished(program, await submit(program));
  assert.match(await text(await admin.get("/admin/prices")), /stand-in 1 \$0\.025 \$0\.02 \+25\.0 %/);
});

Deno.test("providers show whether they answer, and what is left there", async () => {
  const status = { state: "ok" as const, balance: "1234 credits", detail: null };
  const standIn = createStandIn({ checkStatus: () => Promise.resolve(status) });
  await using scene = await setScene(standIn);
  const { admin } = scene;
  assert.match(await text(await admin.get("/admin/providers")), /Stand-in answers 1234 credits stand-in/);
  const refusing = createStandIn({
    checkStatus: () =>
      Promise.resolve({ state: "key_refused" as const, balance: null, detail: "<b>bad key</b>" }),
  });
  await using other = await setScene(refusing);
  const page = await (await other.admin.get("/admin/providers")).text();
  assert.match(page, /refuses the key/);
  assert.match(page, /&lt;b&gt;bad key&lt;\/b&gt;/);
});

Deno.test("providers tell what each of their models can do, when they last answered, and never a key", async () => {
  const edit = editModel.edit;
  const status = { state: "trouble" as const, balance: null, detail: "bad key sk-or-v1-0123456789abcdef" };
  const standIn = createStandIn({
    models: [
      { ...standInModel, edit: { ...edit, mask: "white", strength: { min: 0, max: 1, step: 0.1 } } },
      { ...standInModel, id: "plain", maxCount: 3, sizes: ["512x512"], isUnpriced: true },
    ],
    checkStatus: () => Promise.resolve(status),
  });
  await using scene = await setScene(standIn);
  const html = await (await scene.admin.get("/admin/providers")).text();
  const page = html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
  assert.match(page, /Last answer/);
  assert.match(page, /\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  assert.match(
    page,
    /stand-in 4, up to 1536 × 1536 8 up to 3 white in a mask seed, guidance, strength, percentage, previews no/,
  );
  assert.match(page, /plain no price is known 512 × 512 3 none – /);
  assert.ok(!html.includes("0123456789abcdef"));
});

Deno.test("a provider that never answered is not said to have", async () => {
  const standIn = createStandIn({
    checkStatus: () =>
      Promise.resolve({ state: "unreachable" as const, balance: null, detail: "no connection" }),
  });
  await using scene = await setScene(standIn);
  assert.match(
    await text(await scene.admin.get("/admin/providers")),
    /does not answer no connection – stand-in none yet/,
  );
});

Deno.test("the queue shows what runs, waits and is tried again, and nobody's words", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  const busy = new ProviderFailure("rate_limited", "busy", {
    outcome: "not_created",
    isRetryable: true,
    retryAfterMs: 60_000,
  });
  standIn.scripts.push(failWith(busy), ...Array.from({ length: 4 }, () => holdUntil(gate.promise)));
  await using scene = await setScene(standIn);
  const { admin, program } = scene;
  for (let i = 0; i < 7; i++) await submit(program, { prompt: "a secret wish" });
  const page = await until(
    async () => await text(await admin.get("/admin/queue")),
    (page) =>
      /4 prompts running .*Ada stand-in.* 2 prompts waiting Ada: 2 1 prompt to be tried again/.test(page),
  );
  assert.ok(!page.includes("secret wish"));
  gate.resolve();
});
