import assert from "node:assert/strict";
import type { TaskRequest } from "../../../lib/catalog/provider.ts";
import { failureOfAnswer, firstImage } from "../../../lib/providers/openai_wire.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

Deno.test("an address is taken however it is seen from the server", () => {
  for (
    const address of ["a.png", "./a.png", "files/abc", "view?filename=a.png&type=output", "?id=3", "/a b"]
  ) {
    const found = firstImage({ data: [{ url: address }] });
    assert.deepEqual(found, /\s/.test(address) ? null : { address }, address);
  }
  assert.deepEqual(firstImage({ data: [{ uri: "https://a.test/x" }] }), { address: "https://a.test/x" });
  assert.equal(firstImage({ data: [{ url: "C:\\out\\a.png" }] }), null);
  assert.equal(firstImage({ data: [{ url: "data:image/png;base64,%%%" }] }), null);
});

Deno.test("a data: address is its bytes, in each way of writing one", async () => {
  const bytes = await picture(8, 8);
  const base64 = new Uint8Array(bytes).toBase64();
  const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  for (
    const url of [
      `data:image/png;base64,${base64}`,
      `DATA:;Base64,${base64.replace(/=+$/, "")}`,
      ` data:text/plain;charset=utf-8; base64 ,${encodeURIComponent(base64)}`,
      `data:image/png,${escaped}`,
      `data:,${escaped.toUpperCase()}`,
    ]
  ) {
    const found = firstImage({ data: [{ url }] });
    assert.ok(found !== null && "bytes" in found, url.slice(0, 50));
    assert.deepEqual(new Uint8Array(found.bytes), new Uint8Array(bytes), url.slice(0, 50));
  }
});

Deno.test("a picture is found wherever servers put their lists", async () => {
  const bytes = await picture(8, 8);
  const item = { b64_json: new Uint8Array(bytes).toBase64() };
  for (
    const answer of [
      [item],
      { data: item },
      { result: { images: [item] } },
      { response: { data: [item] } },
      { output: [{ type: "text" }, item] },
    ]
  ) {
    const found = firstImage(answer);
    assert.ok(found !== null && "bytes" in found, JSON.stringify(answer).slice(0, 60));
    assert.deepEqual(new Uint8Array(found.bytes), new Uint8Array(bytes));
  }
});

const task: TaskRequest = {
  taskKey: "prompt:0",
  taskType: "TEXT_TO_IMAGE",
  model: "painter",
  prompt: "a sea",
  width: 512,
  height: 512,
  count: 1,
  watermark: null,
};

Deno.test("a plain message says why it was refused; with 5xx it leaves open what became of the call", () => {
  const answered = (status: number) =>
    failureOfAnswer({ status, headers: new Headers(), json: { message: "no such size" }, now: 0, task });
  assert.deepEqual([answered(400).outcome, answered(400).said], ["not_created", "no such size"]);
  assert.deepEqual([answered(502).outcome, answered(502).said], ["unknown", null]);
});
