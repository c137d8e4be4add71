import assert from "node:assert/strict";
import { createBuses } from "../../fixtures/buses.ts";
import { createStudio } from "../../fixtures/studio.ts";

const { version } = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));

Deno.test("anybody who asks how it is hears its version, and admins see it on their pages", async () => {
  await using studio = await createStudio();
  const answer = await studio.fetch("/api/v1/health");
  assert.deepEqual([answer.status, await answer.json()], [200, { success: true, status: "ok", version }]);
  const admin = await studio.withSession();
  const shown = `Darkroom ${version}</p>`;
  for (const path of ["/admin", "/admin/providers"]) {
    assert.ok((await (await admin.get(path)).text()).includes(shown), path);
  }
});

Deno.test("a node that is alone is ready and says nothing of a bus; one that has a bus says how that is", async () => {
  await using alone = await createStudio();
  const answered = await alone.fetch("/api/v1/ready");
  assert.deepEqual([answered.status, await answered.json()], [200, { success: true, status: "ready" }]);
  const [bus] = createBuses(1);
  await using studio = await createStudio({ bus });
  const ready = async () => {
    const answer = await studio.fetch("/api/v1/ready");
    return [answer.status, await answer.json()];
  };
  assert.deepEqual(await ready(), [200, { success: true, status: "ready", bus: "up" }]);
  bus.cut();
  assert.deepEqual(await ready(), [200, { success: true, status: "ready", bus: "down" }]);
  bus.mend();
  assert.deepEqual(await ready(), [200, { success: true, status: "ready", bus: "up" }]);
});

Deno.test("a bus that is down is named beside the part for which the server is not ready", async () => {
  const [bus] = createBuses(1);
  await using studio = await createStudio({
    bus,
    blobs: (blobs) => ({ ...blobs, probe: () => Promise.reject(new Error("no space left")) }),
  });
  bus.cut();
  const answer = await studio.fetch("/api/v1/ready");
  const { failing, bus: state } = await answer.json();
  assert.deepEqual([answer.status, failing, state], [503, ["blobs"], "down"]);
});
