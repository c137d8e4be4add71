import assert from "node:assert/strict";
import { createCallbacks } from "../../../lib/catalog/callbacks.ts";

const secret = "a secret of the tests, 32 bytes long";
const callbacks = () => createCallbacks({ publicUrl: "https://darkroom.example", secret });
const taskKey = "01a20f09-2ae4-7000-874e-925cdbd65f88:0";
const tokenOf = (url: string) => url.split("/").at(-1)!;

Deno.test("a call wakes whoever waits on that line", async () => {
  const { line, receive } = callbacks();
  const mine = line(taskKey)!;
  assert.match(mine.url, /^https:\/\/darkroom\.example\/callbacks\/[\w.-]{60,}$/);
  const next = mine.next(new AbortController().signal);
  assert.equal(await receive(tokenOf(mine.url), { code: 200 }), true);
  assert.deepEqual(await next, [{ code: 200 }]);
});

Deno.test("calls that come early are kept in their order, the oldest given up when they are many", async () => {
  const { line, receive } = callbacks();
  const mine = line(taskKey)!;
  const { signal } = new AbortController();
  await receive(tokenOf(mine.url), "true");
  await receive(tokenOf(mine.url), "odd");
  assert.deepEqual(await mine.next(signal), ["true", "odd"]);
  for (let i = 0; i < 50; i++) await receive(tokenOf(mine.url), i);
  const kept = await mine.next(signal);
  assert.deepEqual(kept, Array.from({ length: kept.length }, (_, i) => 50 - kept.length + i));
  assert.ok(kept.length >= 8 && kept.length < 50);
});

Deno.test("a forged token, another server's or another task's wakes nobody", async () => {
  const { line, receive } = callbacks();
  const token = tokenOf(line(taskKey)!.url);
  const foreign = createCallbacks({ publicUrl: "https://darkroom.example", secret: secret.toUpperCase() });
  const forged = ["", "none", token.slice(0, -1), `${token}x`, tokenOf(foreign.line(taskKey)!.url)];
  for (const odd of forged) assert.equal(await receive(odd, {}), false, odd);
  const other = tokenOf(line(taskKey.replace(":0", ":1"))!.url);
  await receive(other, "not for this one");
  const stop = new AbortController();
  const waiting = line(taskKey)!.next(stop.signal);
  stop.abort("nobody called");
  await assert.rejects(waiting, (reason) => reason === "nobody called");
});

Deno.test("a server that can't be reached has no line", () => {
  const { line } = createCallbacks({ publicUrl: "http://localhost:8000", secret });
  assert.equal(line(taskKey), null);
});
