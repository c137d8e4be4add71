import assert from "node:assert/strict";
import { createProgressBoard } from "../../../lib/prompts/progress.ts";

const prompt = (id: string) => ({ id, userId: "ada" });
const picture = (byte: number) => ({ bytes: new Uint8Array([byte]), contentType: "image/webp" });

Deno.test("a page that asks late still gets the latest preview of a prompt that has ended", () => {
  const board = createProgressBoard();
  board.showPreview(prompt("one"), { task: 0, ...picture(1) });
  board.showPreview(prompt("one"), { task: 0, ...picture(2) });
  board.clear(prompt("one"));
  assert.equal(board.read("one"), null);
  assert.deepEqual(board.readPreview("one", 0)?.bytes, new Uint8Array([2]));
  assert.equal(board.readPreview("one", 1), null);
  assert.equal(board.readPreview("two", 0), null);
});

Deno.test("the previews of the latest prompts that have ended are kept, and no more", () => {
  const board = createProgressBoard();
  const ids = Array.from({ length: 100 }, (_, i) => `prompt ${i}`);
  for (const id of ids) {
    board.showPreview(prompt(id), { task: 0, ...picture(1) });
    board.clear(prompt(id));
  }
  const kept = ids.filter((id) => board.readPreview(id, 0) !== null);
  assert.deepEqual(kept, ids.slice(-kept.length));
  assert.ok(kept.length > 4 && kept.length < 50);
});

Deno.test("whoever follows a prompt hears each of its states, of no other, and none once they have left", () => {
  const board = createProgressBoard();
  const heard: (number | null)[] = [];
  const leave = board.follow("one", ({ percent }) => heard.push(percent));
  board.report(prompt("one"), { percent: 10 });
  board.report(prompt("two"), { percent: 20 });
  board.report(prompt("one"), { percent: 30 });
  board.clear(prompt("one"));
  leave();
  board.report(prompt("one"), { percent: 40 });
  assert.deepEqual(heard, [10, 30]);
});
