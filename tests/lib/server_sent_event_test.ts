import assert from "node:assert/strict";
import { heartbeat, serverSentEvent } from "../../lib/server_sent_event.ts";

const cases: [Parameters<typeof serverSentEvent>[0], string][] = [
  [{ data: "hi" }, "data: hi\n\n"],
  [{ data: "" }, "data: \n\n"],
  [{ id: "7", event: "prompt", data: "{}" }, "id: 7\nevent: prompt\ndata: {}\n\n"],
  [{ data: "a\nb\r\nc\rd" }, "data: a\ndata: b\ndata: c\ndata: d\n\n"],
  [{ data: "a\n\nevent: forged" }, "data: a\ndata: \ndata: event: forged\n\n"],
];

for (const [message, wire] of cases) {
  Deno.test(`the message ${JSON.stringify(message)} is on the wire ${JSON.stringify(wire)}`, () => {
    assert.equal(serverSentEvent(message), wire);
  });
}

Deno.test("a heartbeat is a comment that ends", () => assert.match(heartbeat, /^:[^\n]*\n\n$/));
