import assert from "node:assert/strict";
import {
  createSharePasswords,
  hashPassword,
  isProof,
  proofLifeMs,
  proofOf,
} from "../../../lib/shares/share_password.ts";
import type { Share } from "../../../lib/shares/share.ts";
import { createTestClock } from "../../fixtures/store.ts";

const secret = "x".repeat(40);

async function lockedShare(id = "s1"): Promise<Share> {
  return {
    id,
    userId: "u",
    sequence: 1,
    hash: id,
    sealed: "",
    of: { imageIds: ["i"] },
    password: await hashPassword("correct horse"),
    passwordVersion: 1,
    createdAt: 0,
    endedAt: null,
    expiresAt: null,
    showPrompt: false,
    allowDownload: true,
    allowOriginal: false,
    allowRemix: false,
    note: "",
  };
}

const wrong = (address = "1") => ({ password: "wrong horse", address });
const right = (address = "1") => ({ password: "correct horse", address });

Deno.test("a password is kept as its hash with a salt of its own, and is the same however its letters are typed", async () => {
  const [first, second] = [await hashPassword("caf\u00e9 noir"), await hashPassword("caf\u00e9 noir")];
  assert.notDeepEqual(first, second);
  assert.ok(!JSON.stringify(first).includes("noir"));
  const passwords = createSharePasswords(createTestClock());
  const share = { ...await lockedShare(), password: first };
  assert.ok(await passwords.check(share, { password: "cafe\u0301 noir", address: "1" }));
  assert.ok(!await passwords.check(share, { password: "cafe noir", address: "1" }));
});

Deno.test("after five wrong ones an address waits, ever longer, and no other address does", async () => {
  const clock = createTestClock();
  const passwords = createSharePasswords(clock);
  const share = await lockedShare();
  for (let i = 0; i < 5; i++) assert.equal(await passwords.check(share, wrong()), false);
  let waited = 0;
  for (let i = 0; i < 6; i++) {
    const seconds = await passwords.check(share, right()).then(
      () => 0,
      ({ code, retryAfterSeconds }) => (assert.equal(code, "rate_limited"), retryAfterSeconds as number),
    );
    assert.ok(seconds > waited || seconds === 600, `${seconds} after ${waited}`);
    waited = seconds;
    assert.ok(await passwords.check(share, right(`other ${i}`)));
    clock.advance(seconds * 1000);
    assert.equal(await passwords.check(share, wrong()), false);
  }
});

Deno.test("the right one forgives the wrong ones, and so does time", async () => {
  const clock = createTestClock();
  const passwords = createSharePasswords(clock);
  const share = await lockedShare();
  for (let i = 0; i < 4; i++) await passwords.check(share, wrong());
  assert.ok(await passwords.check(share, right()));
  for (let i = 0; i < 5; i++) assert.equal(await passwords.check(share, wrong()), false);
  await assert.rejects(passwords.check(share, right()), { code: "rate_limited" });
  clock.advance(60_000);
  assert.ok(await passwords.check(share, right()));
});

Deno.test("many guesses at once are many, and another share or a new password starts anew", async () => {
  const passwords = createSharePasswords(createTestClock());
  const share = await lockedShare();
  const tried = await Promise.allSettled(Array.from({ length: 30 }, () => passwords.check(share, wrong())));
  assert.equal(tried.filter(({ status }) => status === "fulfilled").length, 5);
  assert.ok(await passwords.check({ ...share, id: "s2" }, right()));
  assert.ok(await passwords.check({ ...share, passwordVersion: 2 }, right()));
});

Deno.test("a proof is good for its share, its password and half a day, and for nothing else", async () => {
  const share = await lockedShare();
  const at = { secret, now: 1_000_000 };
  const proof = proofOf(share, at);
  assert.ok(isProof(proof, share, { secret, now: at.now + proofLifeMs - 1 }));
  const bad: [string | undefined, Pick<Share, "id" | "passwordVersion">, { secret: string; now: number }][] =
    [
      [proof, share, { secret, now: at.now + proofLifeMs }],
      // A clock that was turned back does not lengthen it.
      [proof, share, { secret, now: at.now - 1 }],
      [proof, { ...share, id: "s2" }, at],
      [proof, { ...share, passwordVersion: 2 }, at],
      [proof, share, { ...at, secret: "y".repeat(40) }],
      [proof.replace(/^\d+/, String(at.now + 1)), share, at],
      [proof.slice(0, -1), share, at],
      [undefined, share, at],
      ["", share, at],
      ["1.", share, at],
    ];
  for (const [given, of, when] of bad) assert.equal(isProof(given, of, when), false, String(given));
});
