/** Tables of prompts, as spreadsheets write them. */
import assert from "node:assert/strict";
import { readTable, readTableText, tableColumns } from "../../../lib/batches/table.ts";
import { Refusal } from "../../../lib/refusal.ts";

const twoRows = [
  { number: 1, cells: { prompt: "a red fox, at dawn", model: "sketch" }, fault: null },
  { number: 2, cells: { prompt: 'a "blue" fox', model: "sketch" }, fault: null },
];

const alike: [name: string, text: string][] = [
  ["commas", 'prompt,model\n"a red fox, at dawn",sketch\n"a ""blue"" fox",sketch\n'],
  ["semicolons", 'prompt;model\na red fox, at dawn;sketch\n"a ""blue"" fox";sketch'],
  ["tabs", 'prompt\tmodel\na red fox, at dawn\tsketch\n"a ""blue"" fox"\tsketch'],
  ["a byte order mark", '\ufeffprompt,model\n"a red fox, at dawn",sketch\n"a ""blue"" fox",sketch'],
  ["CRLF", 'prompt,model\r\n"a red fox, at dawn",sketch\r\n"a ""blue"" fox",sketch\r\n'],
  ["spaces in the header", ' prompt , model \n"a red fox, at dawn",sketch\n"a ""blue"" fox",sketch'],
  ["empty columns at the end", 'prompt,model,,\n"a red fox, at dawn",sketch,,\n"a ""blue"" fox",sketch,,'],
  ["columns in another order", 'model,prompt\nsketch,"a red fox, at dawn"\nsketch,"a ""blue"" fox"'],
];

for (const [name, text] of alike) {
  Deno.test(`a table with ${name} is read`, () => {
    assert.deepEqual(readTable(text).rows, twoRows);
  });
}

Deno.test("a table of one column has commas and semicolons in its prompts", () => {
  assert.deepEqual(readTable('prompt\na fox, red; at dawn\n"two\nlines, one ""prompt"""').rows, [
    { number: 1, cells: { prompt: "a fox, red; at dawn" }, fault: null },
    { number: 2, cells: { prompt: 'two\nlines, one "prompt"' }, fault: null },
  ]);
});

Deno.test("what begins like a formula is text as it stands", () => {
  const formulas = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", '=HYPERLINK("http://x")'];
  const table = `prompt,seed\n${formulas.map((text) => `"${text.replaceAll('"', '""')}",1`).join("\n")}`;
  assert.deepEqual(readTable(table).rows.map(({ cells }) => cells.prompt), formulas);
});

Deno.test("rows keep their numbers behind rows without a word, and cells without one are left out", () => {
  assert.deepEqual(readTable("prompt,seed,tags\na,,\n\n , ,\nb,2").rows, [
    { number: 1, cells: { prompt: "a" }, fault: null },
    { number: 4, cells: { prompt: "b", seed: "2" }, fault: null },
  ]);
});

Deno.test("every column there is can be in a table", () => {
  assert.deepEqual(readTable(tableColumns.join(";")).columns, [...tableColumns]);
});

const refused: [name: string, text: string, words: RegExp][] = [
  ["an unknown column", "prompt,colour\na,red", /Unknown column: colour\. A table can have prompt, model,/],
  ["several unknown columns", "prompt,colour,mood\na,red,x", /Unknown column: colour, mood/],
  ["a column in another case", "Prompt\na", /Unknown column: Prompt/],
  ["a column without a name", "prompt,,seed\na,b,1", /Unknown column: \(no name\)/],
  ["a column twice", "prompt,seed,seed\na,1,2", /column seed is there twice/],
  ["no column prompt", "model,seed\nsketch,1", /needs a column prompt/],
  ["nothing in it", "", /empty/],
  ["empty lines only", "\n\n", /empty/],
];

for (const [name, text, words] of refused) {
  Deno.test(`a table with ${name} is refused`, () => {
    assert.throws(() => readTable(text), (error) => {
      assert.ok(error instanceof Refusal && error.code === "invalid_request");
      assert.match(error.message, words);
      return true;
    });
  });
}

Deno.test("rows whose cells can't be told apart say so, and the others stand", () => {
  const faultsOf = (text: string) => readTable(text).rows.map(({ fault }) => fault);
  assert.deepEqual(faultsOf("prompt,seed\na,1\nb,2,3\nc,4,"), [
    null,
    "3 cells, and the table has 2 columns",
    null,
  ]);
  const [first, second] = faultsOf('prompt,seed\na,1\n"b,2\nc,3');
  assert.equal(first, null);
  assert.match(second!, /quote/i);
});

Deno.test("a file is read as UTF-8, with or without a mark, and as UTF-16 by its mark", () => {
  const utf8 = new TextEncoder().encode("prompt\nein Füchslein");
  const utf16 = new Uint8Array(
    new Uint16Array([..."\ufeffprompt\nein Füchslein"].map((c) => c.charCodeAt(0))).buffer,
  );
  for (const bytes of [utf8, new Uint8Array([0xef, 0xbb, 0xbf, ...utf8]), utf16]) {
    assert.deepEqual(readTable(readTableText(bytes)).rows[0].cells, { prompt: "ein Füchslein" });
  }
});

Deno.test("a spreadsheet's own file is refused in words", () => {
  const workbook = new Uint8Array([0x50, 0x4b, 3, 4, 0xff, 0xfe, 0xfd]);
  assert.throws(() => readTableText(workbook), /save it as CSV UTF-8/);
});
