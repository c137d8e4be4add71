/** The style sheets by room: whole, and all of them served. */
import assert from "node:assert/strict";
import { assets } from "../../views/shell/assets.ts";

async function readFiles(folder: string): Promise<{ name: string; text: string }[]> {
  const address = new URL(`../../static/${folder}/`, import.meta.url);
  const entries = await Array.fromAsync(Deno.readDir(address));
  assert.ok(entries.length > 0);
  return Promise.all(entries.map(async ({ name }) => ({
    name,
    text: await Deno.readTextFile(new URL(name, address)),
  })));
}

Deno.test("every block of a style sheet is closed, and none stands in a rule by mistake", async () => {
  for (const { name, text } of await readFiles("styles")) {
    let depth = 0;
    let isAtRule = false;
    for (const line of text.replaceAll(/\/\*.*?\*\//gs, "").split("\n")) {
      const isRule = line.trimEnd().endsWith("{");
      if (isRule) {
        assert.ok(depth === 0 || (depth === 1 && isAtRule), `${name}: ${line} stands in another rule`);
      }
      if (isRule && depth === 0) isAtRule = line.startsWith("@");
      depth += line.split("{").length - line.split("}").length;
    }
    assert.equal(depth, 0, name);
  }
});

Deno.test("every style sheet and every script is served", async () => {
  for (const { name, text } of await readFiles("styles")) {
    assert.ok(String(assets.styles.body).includes(text), name);
  }
  for (const { name, text } of await readFiles("scripts")) {
    assert.ok([assets.scripts, assets.passkeys].some(({ body }) => String(body).includes(text)), name);
  }
});

Deno.test("the mask editor is one script of at most 14 kB compressed, with every function of its modules", async () => {
  const script = String(assets.maskEditor.body);
  for (const { name, text } of await readFiles("editor")) {
    const functions = Array.from(
      text.matchAll(/^(?:export )?(?:async )?function (\w+)/gm),
      ([, each]) => each,
    );
    assert.ok(functions.length > 0, name);
    for (const each of functions) {
      assert.equal(script.split(`function ${each}(`).length, 2, `${name}: ${each}`);
    }
  }
  assert.doesNotMatch(script, /^(import|export)\b/m);
  const compressed = new Response(script).body!.pipeThrough(new CompressionStream("gzip"));
  const { byteLength } = await new Response(compressed).arrayBuffer();
  assert.ok(byteLength > 5000 && byteLength <= 14_000, `${byteLength}`);
});
