import assert from "node:assert/strict";
import { checkedUrl, hookChanges, newHookInput } from "../../../lib/hooks/hook.ts";
import { listensOf } from "../../../lib/hooks/outbox.ts";
import { Refusal } from "../../../lib/refusal.ts";

function isTaken(text: string, allowed: string[] = []): boolean {
  try {
    checkedUrl(text, allowed);
    return true;
  } catch (error) {
    assert.ok(error instanceof Refusal);
    assert.deepEqual([error.code, error.field], ["invalid_request", "url"]);
    return false;
  }
}

Deno.test("a webhook leads by https to the public internet", () => {
  const taken = [
    "https://example.com",
    "https://example.com:8443/a?b=c#d",
    "https://93.184.216.34/",
    "https://[2606:2800:220:1::1]/",
  ];
  for (const url of taken) assert.ok(isTaken(url), url);
  assert.equal(checkedUrl("https://Example.COM/a#b", []), "https://example.com/a");
});

Deno.test("an address inside is refused in every spelling, and so is what is none", () => {
  const refused = [
    "",
    "example.com",
    "http://example.com/",
    "ftp://example.com/",
    "javascript:alert(1)",
    "https://ada:secret@example.com/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://0.0.0.0/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
  ];
  for (const url of refused) assert.ok(!isTaken(url), url);
});

Deno.test("what the operator allows is open, host by host and port by port, http as well", () => {
  const allowed = ["automation.local:5678", "127.0.0.1:9000", "[::1]:9000", "home.example:443"];
  const taken = [
    "http://automation.local:5678/hook",
    "http://AUTOMATION.local.:5678/hook",
    "https://automation.local:5678/hook",
    "http://127.0.0.1:9000/",
    "http://2130706433:9000/",
    "http://[::1]:9000/",
    "https://home.example/",
  ];
  for (const url of taken) assert.ok(isTaken(url, allowed), url);
  for (const url of ["http://automation.local/", "http://127.0.0.1:9001/", "http://home.example/"]) {
    assert.ok(!isTaken(url, allowed), url);
  }
});

Deno.test("events are named, each once, in their order; what else is sent is refused", () => {
  const input = { url: "https://example.com", events: ["batch.done", "prompt.failed", "batch.done"] };
  const read = newHookInput.parse(input);
  assert.deepEqual(read, { ...input, events: ["prompt.failed", "batch.done"], includeText: false });
  for (
    const events of [[], ["hook.test"], ["prompt"], "prompt.failed", null, [null], { 0: "prompt.failed" }]
  ) {
    assert.ok(!newHookInput.safeParse({ ...input, events }).success, JSON.stringify(events));
  }
  assert.ok(!newHookInput.safeParse({ ...input, secret: "whsec_mine" }).success);
  assert.ok(!hookChanges.safeParse({ state: "on" }).success);
  assert.deepEqual(hookChanges.parse({}), {});
});

Deno.test("an account listens to what its hooks that are on are to be told", () => {
  const on = { state: "ON" as const };
  assert.deepEqual(listensOf([]), {});
  assert.deepEqual(listensOf([{ state: "OFF", events: ["batch.done"] }]), {});
  assert.deepEqual(
    listensOf([{ ...on, events: ["prompt.failed", "batch.done"] }, { ...on, events: ["batch.done"] }]),
    { listens: ["batch.done", "prompt.failed"] },
  );
});
