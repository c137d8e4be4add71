import assert from "node:assert/strict";
import fc from "fast-check";
import { createBase64Sieve } from "../../lib/base64_sieve.ts";

/** Reads the text in pieces that end at these places. */
function read(json: string, cuts: readonly number[] = []): unknown {
  const bytes = new TextEncoder().encode(json);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const sieve = createBase64Sieve();
  let text = "";
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    text += sieve.push(bytes.subarray(from, end));
    from = end;
  }
  return sieve.parse(text + sieve.end());
}

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7919 + (at >> 3)) & 0xff);
const cutsOf = fc.array(fc.nat(40_000), { maxLength: 40 });

Deno.test("long base64 comes out as its bytes, however the text is cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3200, max: 9000 }), cutsOf, (length, cuts) => {
      const bytes = bytesOf(length);
      const json = JSON.stringify({
        data: [{ b64_json: bytes.toBase64(), n: 1 }],
        "ключ": 'значение " \\ 猫',
      });
      assert.deepEqual(read(json, cuts), { data: [{ b64_json: bytes, n: 1 }], "ключ": 'значение " \\ 猫' });
    }),
    { numRuns: 300 },
  );
});

Deno.test("every other JSON is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.json(), cutsOf, (json, cuts) => {
      assert.deepEqual(read(json, cuts), JSON.parse(json));
    }),
    { numRuns: 500 },
  );
});

const picture = bytesOf(5000);
const base64 = picture.toBase64();
const writings: [name: string, string: string][] = [
  ["without padding", base64.replace(/=+$/, "")],
  ["in the URL alphabet", base64.replaceAll("+", "-").replaceAll("/", "_")],
  ["behind a data prefix", `data:image/png;base64,${base64}`],
  ["with escaped slashes", base64.replaceAll("/", "\\/")],
  ["with escaped signs", base64.replaceAll("+", "\\u002b")],
  ["in lines", base64.replace(/.{76}/g, "$&\\r\\n")],
];
for (const [name, string] of writings) {
  Deno.test(`base64 ${name} is the same bytes, however the text is cut`, () => {
    fc.assert(
      fc.property(cutsOf, (cuts) => {
        assert.deepEqual(read(`{"a":"${string}","b":["é"]}`, cuts), { a: picture, b: ["é"] });
      }),
      { numRuns: 100 },
    );
  });
}

const texts: [name: string, text: string][] = [
  ["words", "a quiet harbour at dawn, ".repeat(400)],
  ["an address", `https://pictures.example/${"a".repeat(6000)}?x=1&y=2`],
  ["base64 that ends in words", `${base64} and more, in words: "quoted" \\ é`],
  ["base64 with a quote in it", `${base64}"}`],
  ["base64 that ends in a backslash", `${base64}\\`],
  ["padding in the middle", `${"AAAA".repeat(1500)}=A=`],
  ["one character too many", `${"AAAA".repeat(1500)}A`],
];
for (const [name, text] of texts) {
  Deno.test(`${name}: it stays text, however it is cut`, () => {
    fc.assert(
      fc.property(cutsOf, (cuts) => {
        assert.deepEqual(read(JSON.stringify({ text, after: 1 }), cuts), { text, after: 1 });
      }),
      { numRuns: 100 },
    );
  });
}

Deno.test("text that looks like a mark is text", () => {
  assert.deepEqual(read('{"a":"\\u00000","b":"\\u0000"}'), { a: "\0" + "0", b: "\0" });
  assert.deepEqual(read(`["\\u00005","${base64}"]`), ["\0" + "5", picture]);
});

Deno.test("what ends in the middle is no JSON", () => {
  for (const end of [20, 3000, 6000]) {
    assert.throws(() => read(`{"b64_json":"${base64}"}`.slice(0, end)), SyntaxError);
  }
});

Deno.test("what was parsed is not kept, and what was not is there still", () => {
  const sieve = createBase64Sieve();
  const lines = [1, 2, 3].map((n) => JSON.stringify({ n, data: bytesOf(4000 + n).toBase64() }));
  const text = sieve.push(new TextEncoder().encode(lines.join("\n"))) + sieve.end();
  const [first, second, third] = text.split("\n");
  assert.deepEqual(sieve.parse(second), { n: 2, data: bytesOf(4002) });
  assert.notDeepEqual(sieve.parse(second), { n: 2, data: bytesOf(4002) });
  assert.throws(() => sieve.parse(`${third}}`), SyntaxError);
  assert.notDeepEqual(sieve.parse(third), { n: 3, data: bytesOf(4003) });
  assert.deepEqual(sieve.parse(first), { n: 1, data: bytesOf(4001) });
});
