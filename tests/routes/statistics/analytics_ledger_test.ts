/** A month as it comes through the API, and what programs are told of it, against the ledger. */
import assert from "node:assert/strict";
import fc from "fast-check";
import Papa from "papaparse";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import type { Correction, LedgerEntry } from "../../../lib/money/ledger.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import type { Store } from "../../../lib/store/store.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { pick, type Random, randomFrom } from "../../fixtures/random.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  type Script,
  type StandIn,
  standInModel,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const month = { from: "2026-10-01", to: "2026-10-31" };
const query = `from=${month.from}&to=${month.to}`;
const hour = 3_600_000;

/** As in the answers: those of one day, person and model. */
interface Sums {
  prompts: number;
  completed: number;
  failed: number;
  images: number;
  costMicros: number;
  lostMicros: number;
}

const names = ["prompts", "completed", "failed", "images", "costMicros", "lostMicros"] as const;

async function play(seed: number): Promise<void> {
  const random = randomFrom(seed);
  let at = Date.parse(`${month.from}T00:00:00Z`);
  const standIns = [createStandIn(), otherStandIn()];
  await using studio = await createStudio({ standIn: standIns[0], others: [standIns[1]], now: () => at });
  const [leaving, staying] = [await studio.addMember(), await studio.addMember()];
  const programs = await Promise.all([studio.owner, leaving, staying].map((user) => studio.withKey(user)));
  const inDoubt: string[] = [];
  const correct = async () => {
    const promptId = inDoubt.shift();
    if (promptId === undefined) return;
    const billed = (Math.floor(random() * 90_000) / 1_000_000).toFixed(6);
    const admin = await studio.withSession();
    const answer = await admin.form(`/admin/spend/${promptId}`, { billed, note: "their invoice" });
    assert.equal(answer.status, 303);
  };
  for (let i = 0; i < 40; i++) {
    // Somebody leaves in the middle of it, with a charge in doubt that is put right only afterwards.
    if (i === 20) {
      inDoubt.push(await happen("doubt", { program: programs[1], standIn: standIns[0], random }));
      await (await studio.withSession(leaving)).form("/profile/delete", { confirm: "delete" });
      await until(() => studio.store.kv.get(keys.user(leaving.id)), ({ value }) => value === null);
      programs.splice(1, 1);
    }
    const what = pick(random, ["make", "make", "make", "refuse", "fail", "cancel", "doubt", "correct"]);
    const which = random() < 0.7 ? 0 : 1;
    if (what === "correct") await correct();
    else {
      const scene = { program: pick(random, programs), standIn: standIns[which], random };
      const promptId = await happen(what, scene);
      if (what === "doubt") inDoubt.push(promptId);
    }
    at += Math.floor(random() * 36) * hour / 2;
  }
  while (inDoubt.length > 0) await correct();
  await until(
    () =>
      Array.fromAsync(studio.store.kv.list<{ finishedAt: number | null }>({ prefix: [...kinds.deletions] })),
    (all) => all.every(({ value }) => value.finishedAt !== null),
  );
  const due = await sumLedger(studio.store);
  const [owner] = programs;
  assert.deepEqual(await sumsOf(owner, "&scope=all"), due);
  for (const [program, { id }] of [[programs[0], studio.owner], [programs[1], staying]] as const) {
    const theirs = Object.entries(due).filter(([name]) => name.includes(id));
    assert.deepEqual(await sumsOf(program, ""), Object.fromEntries(theirs));
  }
  assert.ok(Object.keys(due).some((name) => name.includes(" null ")), "nobody has left");
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
}

function otherStandIn(): StandIn {
  const standIn = createStandIn({
    id: "other",
    name: "Other",
    models: [{ ...standInModel, id: "other", provider: "other" }],
  });
  const prices = standIn.prices.map((row) => ({
    ...row,
    provider: "other",
    model: "other",
    costMicros: 12_347,
  }));
  return { ...standIn, prices };
}

interface Scene {
  program: Client;
  standIn: StandIn;
  random: Random;
}

/** Until it is booked. */
async function happen(what: string, { program, standIn, random }: Scene): Promise<string> {
  const cost = { basis: "reported" as const, costMicros: 1 + Math.floor(random() * 99_999) };
  const gate = Promise.withResolvers<void>();
  const scripts: { [what: string]: Script } = {
    make: async function* (task) {
      for await (const event of succeed(task)) {
        yield event.type === "done" && random() < 0.5 ? { ...event, cost } : event;
      }
    },
    refuse: failWith(new ProviderFailure("content_policy", "no", { outcome: "billed", cost })),
    fail: failWith(new ProviderFailure("provider_failed", "no", { outcome: "not_created" })),
    doubt: failWith(new ProviderFailure("outcome_unknown", "lost", { outcome: "unknown" })),
    cancel: holdUntil(gate.promise),
  };
  const count = what === "make" ? 1 + Math.floor(random() * 3) : 1;
  const submitted = standIn.submitted.length;
  for (let i = 0; i < count; i++) standIn.scripts.push(scripts[what]);
  const promptId = await submit(program, { model: standIn.provider.id, count });
  if (what === "cancel") {
    await until(() => standIn.submitted.length, (length) => length > submitted);
    await program.post(`/api/v1/prompts/${promptId}/cancel`);
    gate.resolve();
  }
  await finished(program, promptId);
  await until(() => read(program, promptId), ({ ledger }) => ledger !== null);
  return promptId;
}

/** By nothing that the numbers are made with. */
async function sumLedger({ kv }: Store): Promise<{ [name: string]: Sums }> {
  const sums: { [name: string]: Sums } = {};
  for await (const { value: entry } of kv.list<LedgerEntry>({ prefix: [...kinds.ledger] })) {
    const day = new Date(entry.at).toISOString().slice(0, 10);
    if (day < month.from || day > month.to) continue;
    const { value: correction } = await kv.get<Correction>(keys.correction(entry.promptId));
    const { value: prompt } = await kv.get<{ status: string }>(keys.prompt(entry.promptId));
    const status = prompt?.status ?? entry.outcome?.status;
    const costMicros = entry.costMicros + (correction?.costMicros ?? 0);
    const sum = sums[`${day} ${entry.userId} ${entry.model}`] ??= noSums();
    sum.prompts += 1;
    sum.completed += Number(status === "COMPLETED");
    sum.failed += Number(status === "FAILED");
    sum.images += entry.images;
    sum.costMicros += costMicros;
    sum.lostMicros += status === "COMPLETED" ? 0 : costMicros;
  }
  return sums;
}

/** What the table says, whose sum has to be that of the JSON. */
async function sumsOf(program: Client, more: string): Promise<{ [name: string]: Sums }> {
  const text = await (await program.get(`/api/v1/analytics?format=csv&${query}${more}`)).text();
  const { data } = Papa.parse(text.replace("\ufeff", ""), { header: true, skipEmptyLines: true });
  const sums: { [name: string]: Sums } = {};
  const all = noSums();
  for (const row of data as Record<string, string>[]) {
    const sum = sums[`${row.day} ${row.userId || null} ${row.model}`] ??= noSums();
    for (const name of names) {
      sum[name] += Number(row[name]);
      all[name] += Number(row[name]);
    }
  }
  const { total } = await (await program.get(`/api/v1/analytics?${query}${more}`)).json();
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, total[name]])), { ...all });
  return sums;
}

function noSums(): Sums {
  return { prompts: 0, completed: 0, failed: 0, images: 0, costMicros: 0, lostMicros: 0 };
}

Deno.test("the table of any month sums to its ledger, with refusals, corrections and somebody who left", async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), play), { numRuns: 3, endOnFailure: true });
});
