/** The economy lane through the front door: what it is offered as, what is refused, and what its page says. */
import assert from "node:assert/strict";
import { createPriceBook, shippedPrices } from "../../../lib/catalog/price_book.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { startOpenAi } from "../../stand_ins/openai.ts";

const model = "gpt-image-2-low";
const lotTimes = { firstPauseMs: 10, longestPauseMs: 40, doubtMs: 150, patienceMs: 1500 };

async function setScene() {
  const stack = new AsyncDisposableStack();
  const service = stack.use(startOpenAi());
  const outgoing = stack.use(createOutgoing());
  const book = createPriceBook(shippedPrices);
  const provider = createOpenAi({
    apiKey: "key-of-the-stand-in-0123456789",
    baseUrl: service.url,
    outgoing,
    now: Date.now,
    usagePrice: (model) => book.usagePrice({ model, at: Date.now() }),
  });
  const standIn = { ...createStandIn(), provider, prices: [...shippedPrices] };
  const studio = stack.use(await createStudio({ standIn, lotTimes }));
  const person = await studio.withSession();
  return {
    service,
    studio,
    person,
    program: await studio.withKey(),
    async addPrice() {
      const validFrom = new Date().toISOString().slice(0, 10);
      const row = { model, size: "*", cost: "0.003", validFrom, lane: "economy" };
      assert.equal((await person.form("/admin/prices", row)).status, 303);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const text = async (answer: Response) =>
  (await answer.text()).replaceAll(/<[^>]+>/g, " ").replaceAll(/&middot;/g, "·").replaceAll(/\s+/g, " ");

const body = { rows: [{ prompt: "a fox", model }, { prompt: "an owl", model }], lane: "economy" };

Deno.test("the lane is refused by name until an admin has priced it, and nothing is held", async () => {
  await using scene = await setScene();
  const { program } = scene;
  const refused = await program.post("/api/v1/batches", body);
  const { error } = await refused.json();
  assert.deepEqual([refused.status, error.code], [422, "unsupported_option"]);
  assert.match(error.message, /gpt-image-2-low is not offered in the economy lane/);
  await scene.addPrice();
  const quote = async (lane: string) =>
    (await (await program.post("/api/v1/quotes", { ...body, lane })).json()).costMicros;
  assert.ok(await quote("economy") <= await quote("now") / 2 + 2);
  const accepted = await program.post("/api/v1/batches", body);
  assert.equal(accepted.status, 202);
  const { batchId, holdMicros } = await accepted.json();
  assert.equal(holdMicros, await quote("economy"));
  const done = await until(
    async () => (await (await program.get(`/api/v1/batches/${batchId}`)).json()).batch,
    ({ state }) => state === "DONE",
    20_000,
  );
  assert.equal(done.counts.prompts.COMPLETED, 2);
  assert.equal(done.chargedMicros, scene.service.billedMicros());
  const { prompts } = await (await program.get("/api/v1/prompts")).json();
  const { prompt } = await (await program.get(`/api/v1/prompts/${prompts[0].id}`)).json();
  assert.equal(prompt.ledger.basis, "computed");
  assert.ok(prompt.ledger.savedMicros > 0);
});

Deno.test("the preview offers the lane with both prices, and the page says when it was sent and what it saves", async () => {
  await using scene = await setScene();
  const { person, service } = scene;
  await scene.addPrice();
  service.lots.pollsUntilEnd = Infinity;
  const form = { way: "list", prompts: "a fox\nan owl", model, imageSize: "1024x1024" };
  const shown = await person.form("/batches/new", form);
  assert.equal(shown.status, 200);
  const page = await shown.text();
  assert.match(
    page.replaceAll(/\s+/g, " "),
    /up to 24 hours, half price: at most \$0\.\d+ instead of \$0\.\d+/,
  );
  const field = (name: string) => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(page)?.[1] ?? "";
  const started = await person.form("/batches", {
    planId: field("planId"),
    requestKey: field("requestKey"),
    price: field("price"),
    lane: "economy",
  });
  assert.equal(started.status, 303);
  const path = started.headers.get("location")!;
  const words = await until(async () => await text(await person.get(path)), (page) => /Sent to/.test(page));
  assert.match(
    words,
    /Sent to OpenAI at \d\d:\d\d UTC · usually within the hour, at the latest tomorrow \d\d:\d\d UTC · saves \$0\.\d+/,
  );
  assert.match(
    await text(await person.get("/queue")),
    /2 running .*at the provider, in the economy lane.* Nothing waits/,
  );
  service.lots.plan = { isDone: (index) => index > 0 };
  service.lots.pollsUntilEnd = 0;
  const done = await until(
    async () => await text(await person.get(path)),
    (page) => /UTC · done/.test(page),
    20_000,
  );
  assert.match(done, /1 failed/);
  const dashboard = await text(await person.get("/dashboard"));
  assert.match(dashboard, /Saved this month \$0\.\d+ by economy/);
  const failed = await (await person.get(`${path}?only=failed`)).text();
  const [, promptId] = /action="\/prompts\/([^/]+)\/retry"[^]*?Now, at full price/.exec(failed)!;
  assert.match(await text(await person.get("/prompts")), /Now, at full price/);
  await person.form(`/prompts/${promptId}/retry`, {});
  const { ledger } = await until(
    async () => {
      const { prompts } = await (await scene.program.get("/api/v1/prompts")).json();
      return (await (await scene.program.get(`/api/v1/prompts/${prompts[0].id}`)).json()).prompt;
    },
    ({ status, id }) => status === "COMPLETED" && id !== promptId,
    20_000,
  );
  assert.equal(ledger.savedMicros, undefined);
});
