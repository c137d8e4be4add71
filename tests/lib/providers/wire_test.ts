import assert from "node:assert/strict";
import { readMessages } from "../../../lib/providers/wire.ts";

/** How long a message of that many characters takes to read, in milliseconds. */
async function timeOf(chars: number): Promise<number> {
  const bytes = new TextEncoder().encode(`data: {"b64_json":"${"A".repeat(chars)}"}\n\n`);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 16_384) {
      yield await Promise.resolve(bytes.subarray(at, at + 16_384));
    }
  }
  const startedAt = performance.now();
  for await (const { b64_json: bytes } of readMessages(pieces())) {
    assert.equal((bytes as Uint8Array).length, chars / 4 * 3);
  }
  return performance.now() - startedAt;
}

Deno.test("a picture of ten times the size takes no hundred times as long to read", async () => {
  await timeOf(1_000_000);
  const [small, large] = [await timeOf(1_500_000), await timeOf(15_000_000)];
  assert.ok(large < 40 * Math.max(small, 10), `${small} ms and ${large} ms`);
});
