/** The real program, killed while an agent waits for its pictures. */
import assert from "node:assert/strict";
import { agentAcrossKill, cautiousAgents } from "../prove/agent_stories.ts";
import type { Scenario } from "../prove/scenarios.ts";

const stories: { [name: string]: Scenario } = {
  "a call that is made again after a kill joins the first, and is paid once": agentAcrossKill,
  "agents at once that agreed to less than the price are all refused, and nothing is held": cautiousAgents,
};

for (const [name, story] of Object.entries(stories)) {
  Deno.test(name, async () => {
    const findings = await story({ seed: 1 });
    const broken = findings.flatMap(({ promise, violations }) =>
      violations.map((each) => ({ promise, ...each }))
    );
    assert.deepEqual(broken, []);
  });
}
