import assert from "node:assert/strict";
import { createDeliveries } from "../../../lib/hooks/deliveries.ts";
import { createHook } from "../../../lib/hooks/hook_store.ts";
import { tellHooks } from "../../../lib/hooks/outbox.ts";
import { createLog } from "../../../lib/log.ts";
import { createSeal } from "../../../lib/seal.ts";
import { createTestStore, createTestUser } from "../../fixtures/store.ts";

Deno.test("where what happened can't be read, it is looked at again after a while and not without end", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const deps = { store, seal: createSeal({ secret: "a secret", purpose: "webhooks" }), allowed: [] };
  await createHook(deps, {
    userId: user.id,
    url: "https://example.com/",
    events: ["budget.reached"],
    includeText: false,
  });
  const atomic = store.kv.atomic();
  const spent = { month: "2026-11", beforeMicros: 0, afterMicros: 1 };
  tellHooks(atomic, {
    userId: user.id,
    account: { listens: ["budget.reached"] },
    at: store.now(),
    happened: { type: "budget.reached", promptId: "p", ...spent },
  });
  await atomic.commit();
  let asked = 0;
  const { promise: isAsked, resolve } = Promise.withResolvers<void>();
  const deliveries = createDeliveries({
    ...deps,
    log: createLog({ level: "error", now: store.now, write: () => {} }),
    outgoing: { postNamed: () => Promise.reject(new Error("nothing is sent")) },
    publicUrl: "https://darkroom.example",
    readLimit: () => {
      asked++;
      resolve();
      return Promise.reject(new Error("the database does not answer"));
    },
    readText: () => Promise.resolve(null),
  });
  deliveries.start();
  await isAsked;
  // Many turns of the event loop.
  for (let i = 0; i < 100; i++) await new Promise((turn) => setTimeout(turn, 1));
  await deliveries.stop();
  // Once by the start, and once more where the bell was read at the same moment.
  assert.ok(asked <= 2, `${asked} times`);
});
