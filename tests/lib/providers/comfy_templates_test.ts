import assert from "node:assert/strict";
import { readComfyTemplates } from "../../../lib/providers/comfy_templates.ts";
import { StartError } from "../../../lib/refusal.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";

const shipped = new URL("../../../docs/comfy", import.meta.url).pathname;
const graph = JSON.parse(await Deno.readTextFile(`${shipped}/text_to_image.json`));
const map = JSON.parse(await Deno.readTextFile(`${shipped}/text_to_image.map.json`));
const inpainting = JSON.parse(await Deno.readTextFile(`${shipped}/inpainting.json`));
const inpaintingMap = JSON.parse(await Deno.readTextFile(`${shipped}/inpainting.map.json`));

async function read(files: { [name: string]: unknown }) {
  await using folder = await createTestDirectory();
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await Deno.writeTextFile(`${folder.path}/${name}`, text);
  }
  return await readComfyTemplates(folder.path);
}

Deno.test("the templates that ship are read, and what is beside them is left alone", async () => {
  const templates = await read({
    "a.json": graph,
    "a.map.json": map,
    "b.json": inpainting,
    "b.map.json": inpaintingMap,
    "notes.txt": "x",
    ".hidden.json": "{",
  });
  assert.deepEqual(templates.map(({ id, name, output }) => [id, name, output]), [
    ["a", "SDXL", "9"],
    ["b", "SDXL, change a part", "9"],
  ]);
  assert.deepEqual(templates[0].targets.seed, [{ node: "3", input: "seed" }]);
});

Deno.test("one choice may go to several nodes, and a name is the file's where none is given", async () => {
  const two = { ...graph, 13: { class_type: "CLIPTextEncode", inputs: { text: "" } } };
  const { name: _, ...rest } = map;
  const [{ name, targets }] = await read({
    "flux.json": two,
    "flux.map.json": { ...rest, prompt: ["6.text", "13.text"] },
  });
  assert.equal(name, "flux");
  assert.deepEqual(targets.prompt, [{ node: "6", input: "text" }, { node: "13", input: "text" }]);
});

const given = (changes: object) => ({ "a.json": graph, "a.map.json": { ...map, ...changes } });
const wrong: [what: string, files: { [name: string]: unknown }, words: RegExp][] = [
  ["no template", {}, /has no template/],
  ["a graph without a map", { "a.json": graph }, /a\.json has no a\.map\.json beside it/],
  [
    "a map without a graph",
    { "a.json": graph, "a.map.json": map, "b.map.json": map },
    /b\.map\.json is there, and b\.json is not/,
  ],
  ["a graph that is cut off", { "a.json": "{", "a.map.json": map }, /a\.json is no JSON/],
  ["a map that is cut off", { "a.json": graph, "a.map.json": "{" }, /a\.map\.json is no JSON/],
  [
    "what its page saves",
    { "a.json": { nodes: [], links: [] }, "a.map.json": map },
    /a\.json is no graph for ComfyUI's API; export it there by Export \(API\)/,
  ],
  ["an empty graph", { "a.json": {}, "a.map.json": map }, /is no graph/],
  [
    "a node that is not there",
    given({ seed: "33.seed" }),
    /names 33\.seed as seed, and a\.json has no node 33/,
  ],
  ["a node by a name that every object has", given({ seed: "constructor.name" }), /has no node constructor/],
  ["an input that is not there", given({ steps: "3.stepz" }), /node 3 \(KSampler\) has no input stepz/],
  ["one of several", given({ prompt: ["6.text", "66.text"] }), /has no node 66/],
  ["an input that another node feeds", given({ seed: "3.model" }), /that input is fed by another node/],
  [
    "an output that is not there",
    given({ output: "99" }),
    /names node 99 as its output, which a\.json lacks/,
  ],
  ["no output", given({ output: undefined }), /a\.map\.json, output/],
  ["no prompt", given({ prompt: undefined }), /names no input as prompt/],
  ["a name that it does not know", given({ sampler: "3.sampler_name" }), /sampler/],
  ["a target without an input", given({ seed: "3" }), /a\.map\.json, seed/],
  ["a width without a height", given({ height: undefined }), /only one of width and height/],
  ["a mask without a picture", given({ mask: "9.images" }), /fed by another node|none as image/],
  ["no size at all", given({ width: undefined, height: undefined }), /one size in sizes/],
  ["a size that is none", given({ sizes: ["big"] }), /a\.map\.json, sizes\.0/],
  ["a name that is no id", { "a b.json": graph, "a b.map.json": map }, /name that is no id/],
];

for (const [what, files, words] of wrong) {
  Deno.test(`${what} stops the start with one line that says where`, async () => {
    await assert.rejects(read(files), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, words);
      assert.match(error.message, /^COMFY_TEMPLATES: /);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

Deno.test("a folder that is not there, or is a file, stops the start with one line", async () => {
  await using folder = await createTestDirectory();
  await assert.rejects(readComfyTemplates(`${folder.path}/none`), /there is no folder .*none/);
  await Deno.writeTextFile(`${folder.path}/file`, "");
  await assert.rejects(readComfyTemplates(`${folder.path}/file`), StartError);
});
