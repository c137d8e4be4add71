import assert from "node:assert/strict";
import { createDuties, type DutyLease, type Held, type Job } from "../../../lib/store/duty.ts";
import { keys } from "../../../lib/store/schema.ts";
import {
  createSharedDatabase,
  type NodeStore,
  quickLeaseTimes,
  quickTakeoverMs,
} from "../../fixtures/nodes.ts";
import { createTestStore } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const log = () => {};

interface Node extends AsyncDisposable {
  node: NodeStore;
  /** By duty, as it has it now. */
  held: Map<string, Held>;
  stop(): Promise<void>;
}

async function startNode(
  node: NodeStore,
  { nodeId, names }: { nodeId: string; names: string[] },
): Promise<Node> {
  const held = new Map<string, Held>();
  const duties = createDuties({ store: node.store, nodeId, log, times: quickLeaseTimes });
  const jobs = Object.fromEntries(names.map((name) => [name, (mine: Held): Job => ({
    start: () => void held.set(name, mine),
    stop: () => Promise.resolve(void held.delete(name)),
  })]));
  await duties.start(jobs);
  const stop = () => duties.stop();
  return { node, held, stop, [Symbol.asyncDispose]: stop };
}

async function readDuty({ store }: NodeStore, name: string): Promise<DutyLease | null> {
  return (await store.kv.get<DutyLease>(keys.duty(name))).value;
}

Deno.test("of two nodes exactly one does a duty, for as long as it renews it", async () => {
  await using database = await createSharedDatabase();
  const nodes = [await database.openStore(), await database.openStore()];
  await using a = await startNode(nodes[0], { nodeId: "a", names: ["one", "two"] });
  await using b = await startNode(nodes[1], { nodeId: "b", names: ["one", "two"] });
  const before = await readDuty(a.node, "one");
  const after = await until(
    () => readDuty(a.node, "one"),
    (found) => found!.renewals >= 5,
    quickTakeoverMs * 2,
  );
  assert.deepEqual([before!.owner, after!.owner, after!.number], ["a", "a", 1]);
  assert.deepEqual([[...a.held.keys()], [...b.held.keys()]], [["one", "two"], []]);
});

Deno.test("the duty of a node that was killed is another's within the time of a takeover", async () => {
  await using database = await createSharedDatabase();
  const nodes = [await database.openStore(), await database.openStore()];
  await using a = await startNode(nodes[0], { nodeId: "a", names: ["one"] });
  await using b = await startNode(nodes[1], { nodeId: "b", names: ["one"] });
  a.node.kill();
  const killedAt = performance.now();
  await until(() => b.held.size, (size) => size === 1, quickTakeoverMs);
  assert.ok(performance.now() - killedAt >= quickLeaseTimes.lapseMs - quickLeaseTimes.renewEveryMs);
  assert.equal((await readDuty(b.node, "one"))!.owner, "b");
});

Deno.test("a node that stops gives its duties to others at once", async () => {
  await using database = await createSharedDatabase();
  const nodes = [await database.openStore(), await database.openStore()];
  const a = await startNode(nodes[0], { nodeId: "a", names: ["one"] });
  await using b = await startNode(nodes[1], { nodeId: "b", names: ["one"] });
  await a.stop();
  assert.equal(a.held.size, 0);
  await until(() => b.held.size, (size) => size === 1, 2 * quickLeaseTimes.lookEveryMs + 200);
});

Deno.test("a node that was stopped for a while is not sure of its duty, and leaves it to whoever has it now", async () => {
  await using database = await createSharedDatabase();
  const nodes = [await database.openStore(), await database.openStore()];
  await using a = await startNode(nodes[0], { nodeId: "a", names: ["one"] });
  await using b = await startNode(nodes[1], { nodeId: "b", names: ["one"] });
  const mine = a.held.get("one")!;
  assert.equal(mine.isSure(), true);
  a.node.pause();
  await until(() => b.held.size, (size) => size === 1, quickTakeoverMs);
  assert.equal(mine.isSure(), false);
  // Its job ends by itself, before the store answers again.
  await until(() => a.held.size, (size) => size === 0, quickTakeoverMs);
  a.node.resume();
  const { renewals } = (await readDuty(b.node, "one"))!;
  await until(() => readDuty(b.node, "one"), (found) => found!.renewals > renewals + 1);
  assert.deepEqual([a.held.size, b.held.size, b.held.get("one")!.isSure()], [0, 1, true]);
});

Deno.test("what an outage of the store made a node leave is its own again afterwards", async () => {
  await using database = await createSharedDatabase();
  await using a = await startNode(await database.openStore(), { nodeId: "a", names: ["one"] });
  a.node.pause();
  await until(() => a.held.size, (size) => size === 0, quickTakeoverMs);
  a.node.resume();
  await until(() => a.held.size, (size) => size === 1, quickTakeoverMs);
  assert.equal((await readDuty(a.node, "one"))!.owner, "a");
});

Deno.test("a node that was started again has its own duties at once", async () => {
  await using database = await createSharedDatabase();
  const first = await startNode(await database.openStore(), { nodeId: "a", names: ["one"] });
  first.node.kill();
  await using again = await startNode(await database.openStore(), { nodeId: "a", names: ["one"] });
  assert.equal(again.held.size, 1);
  await first.stop();
});

Deno.test("a node alone has all duties and writes nothing", async () => {
  using store = await createTestStore();
  const duties = createDuties({ store, nodeId: "a", log });
  const done: string[] = [];
  const job = (name: string): Job => ({
    start: () => void done.push(`${name} begins`),
    stop: () => Promise.resolve(void done.push(`${name} ends`)),
  });
  await duties.start({ one: () => job("one"), two: () => job("two") });
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [] })), []);
  await duties.stop();
  assert.deepEqual(done, ["one begins", "two begins", "one ends", "two ends"]);
});
