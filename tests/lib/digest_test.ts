import assert from "node:assert/strict";
import { randomToken, sha256, sha256OfMany, sign } from "../../lib/digest.ts";

Deno.test("sha256 is that of FIPS 180-4, of text and of bytes", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(sha256("abc"), abc);
  assert.equal(sha256(new Uint8Array([97, 98, 99])), abc);
});

Deno.test("sign is the HMAC of RFC 4231, case 2, in base64url", () => {
  assert.equal(sign("Jefe", "what do ya want for nothing?"), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
});

Deno.test("tokens hold 256 bits, fit in an address and never repeat", () => {
  const tokens = Array.from({ length: 1000 }, randomToken);
  assert.ok(tokens.every((token) => /^[A-Za-z0-9_-]{43}$/.test(token)));
  assert.equal(new Set(tokens).size, 1000);
});

Deno.test("the digest of many bytes is the same, whichever way it is made", async () => {
  for (const length of [0, 1, 100_000]) {
    const bytes = new Uint8Array(length + 5).fill(7).subarray(5);
    assert.equal(await sha256OfMany(bytes), sha256(bytes));
  }
});
