import assert from "node:assert/strict";
import { mock } from "node:test";
import type { Share } from "../../../lib/shares/share.ts";
import { createShareEnds } from "../../../lib/shares/share_ends.ts";
import { createTestStore } from "../../fixtures/store.ts";

Deno.test("of several nodes each looks at the open pages of shares within fifteen seconds, whatever watches tell", async () => {
  using store = await createTestStore();
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    store.isShared = true;
    const deadWatch = () => new ReadableStream();
    const kv = { ...store.kv, watch: deadWatch } as unknown as Deno.Kv;
    const ends = createShareEnds({ store: { ...store, kv }, log: () => {} });
    const share = {
      hash: "hash",
      userId: "ada",
      expiresAt: null,
      of: { imageIds: ["a"] },
    } as unknown as Share;
    const open = { ended: true, goingOn: true };
    const [ended, goingOn] = (["ended", "goingOn"] as const).map((name) => {
      const stream = ends.open({ share, imageIds: [name], isStillOpen: () => Promise.resolve(open[name]) });
      return stream.pipeThrough(new TextDecoderStream()).getReader();
    });
    await Promise.all([ended.read(), goingOn.read()]);
    open.ended = false;
    mock.timers.tick(14_000);
    mock.timers.tick(1000);
    const heard: string[] = [];
    for (let part = await ended.read(); !part.done; part = await ended.read()) heard.push(part.value);
    assert.match(heard.join(""), /event: ended/);
    assert.doesNotMatch((await goingOn.read()).value!, /ended/);
    await goingOn.cancel();
    ends.close();
  } finally {
    mock.timers.reset();
  }
});
