import assert from "node:assert/strict";
import { createEnvelopes, idOf } from "../../../lib/bus/envelope.ts";

const secret = "a secret of the tests, 32 bytes long";
const text = (message: Uint8Array) => new TextDecoder().decode(message);
const bytes = (message: string) => new TextEncoder().encode(message);

function createNodes({ skewMs = 0 } = {}) {
  const clock = { now: Date.now() };
  const one = createEnvelopes({ secret, now: () => clock.now });
  const other = createEnvelopes({ secret, now: () => clock.now + skewMs });
  return { clock, one, other };
}

Deno.test("what one node seals another one opens, and a stranger finds nothing of it", async () => {
  const { one, other } = createNodes();
  const sealed = await one.seal(bytes("news of somebody"), "subject");
  const opened = await other.open(sealed, "subject");
  assert.ok(typeof opened !== "string");
  assert.deepEqual([text(opened.message), opened.id], ["news of somebody", idOf(sealed)]);
  assert.ok(!text(sealed).includes("news"));
  const stranger = createEnvelopes({ secret: "another secret, 32 bytes long as well", now: Date.now });
  assert.equal(await stranger.open(sealed, "subject"), "foreign");
  assert.equal(await other.open(await stranger.seal(bytes("made up"), "subject"), "subject"), "foreign");
});

Deno.test("a message counts for what it was sealed for, once, and as it was", async () => {
  const { one, other } = createNodes();
  const sealed = await one.seal(bytes("news"), "subject");
  assert.equal(await other.open(sealed, "another subject"), "foreign");
  for (const at of [0, 1, 17, 24, 25, sealed.length - 1]) {
    const changed = sealed.slice();
    changed[at] ^= 1;
    assert.equal(await other.open(changed, "subject"), "foreign", `byte ${at}`);
  }
  for (const length of [0, 1, 24, 25, 48, sealed.length - 1]) {
    assert.equal(await other.open(sealed.slice(0, length), "subject"), "foreign", `${length} bytes`);
  }
  assert.notEqual(typeof await other.open(sealed, "subject"), "string");
  assert.equal(await other.open(sealed, "subject"), "repeated");
});

Deno.test("messages may overtake each other, and one that comes long after its time counts no more", async () => {
  const { one, other, clock } = createNodes();
  const sealed = await Promise.all(Array.from({ length: 2000 }, () => one.seal(bytes("news"), "subject")));
  assert.notEqual(typeof await other.open(sealed[1999], "subject"), "string");
  assert.notEqual(typeof await other.open(sealed[1998], "subject"), "string");
  assert.notEqual(typeof await other.open(sealed[976], "subject"), "string");
  assert.equal(await other.open(sealed[976], "subject"), "repeated");
  assert.equal(await other.open(sealed[1998], "subject"), "repeated");
  assert.equal(await other.open(sealed[975], "subject"), "repeated");
  clock.now += 61_000;
  assert.equal(await other.open(sealed[1990], "subject"), "late");
});

Deno.test("a clock that is a little wrong keeps nobody from being heard, one that is a minute wrong does", async () => {
  for (const [skewMs, isHeard] of [[50_000, true], [-50_000, true], [70_000, false], [-70_000, false]]) {
    const { one, other } = createNodes({ skewMs: Number(skewMs) });
    const opened = await other.open(await one.seal(bytes("news"), "subject"), "subject");
    assert.equal(typeof opened === "string" ? opened : "heard", isHeard ? "heard" : "late", `${skewMs}`);
  }
});
