/** The real program, killed with SIGKILL at each step of a batch's life as seen from outside. */
import assert from "node:assert/strict";
import { batchMoments, checkBatchKill } from "../prove/batch_kills.ts";

/** `deno task prove` looks at all of them, and at each way to come back. */
const some = batchMoments.filter((_, i) => i % 4 === 1);

for (const [i, moment] of some.entries()) {
  Deno.test(`killed at ${moment.name}: each row is one prompt, and the books balance`, async () => {
    const findings = await checkBatchKill(moment, { comeback: "at once", seed: 1 + i });
    assert.deepEqual(
      findings.flatMap(({ promise, violations }) => violations.map((each) => ({ promise, ...each }))),
      [],
    );
  });
}
