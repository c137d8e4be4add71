/** The real program, killed with SIGKILL at each step of a lot's life as seen from outside. */
import assert from "node:assert/strict";
import { checkLotKill, lotMoments } from "../prove/lot_kills.ts";

/** `deno task prove` looks at all of them, and at each way to come back. */
const some = lotMoments.filter((_, i) => i % 9 === 0);

for (const [i, moment] of some.entries()) {
  Deno.test(`killed at ${moment.name}: a lot is submitted once, and charged as it was billed`, async () => {
    const findings = await checkLotKill(moment, { comeback: "at once", seed: 1 + i });
    assert.deepEqual(
      findings.flatMap(({ promise, violations }) => violations.map((each) => ({ promise, ...each }))),
      [],
    );
  });
}
