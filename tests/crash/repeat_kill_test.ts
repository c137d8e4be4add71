/** The official client for OpenAI's API with its default settings, against the real program, which dies or whose provider fails. */
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import { plainPng } from "../fixtures/uploads.ts";
import { repeatedRequests } from "../prove/repeat_stories.ts";
import { createWorld, type World } from "../prove/world.ts";
import { cutOff } from "../stand_ins/http.ts";

interface Connected {
  client: OpenAI;
  /** What the client said of how often it had sent its request before, in order. */
  attempts: string[];
}

/** It sends nothing while the program is down, as a proxy in front of it would hold what comes then. */
function connect(world: World, whenUp: () => Promise<unknown>): Connected {
  const attempts: string[] = [];
  const client = new OpenAI({
    apiKey: world.people[0].key,
    baseURL: `${world.server.url}/v1`,
    async fetch(address, init) {
      if (!String(address).startsWith("data:")) {
        attempts.push(new Headers(init?.headers).get("X-Stainless-Retry-Count")!);
        await whenUp();
      }
      return await fetch(address, init);
    },
  });
  return { client, attempts };
}

const nanobanana = { model: "nanobanana", size: "1024x1024" as const };

Deno.test("killed between acceptance and answer, the program's next start answers the client that asks again", async () => {
  await using world = await createWorld({ seed: 1 });
  await world.start();
  for (const isStream of [false, true]) {
    let isUp: Promise<unknown> = Promise.resolve();
    const { client, attempts } = connect(world, () => isUp);
    const before = world.nanobanana.journal.filter(({ request }) => request === "create").length;
    const polled = world.reaches(({ path }) => path.endsWith("/record-info"));
    const ask = { prompt: `${world.people[0].name}: a kill ${isStream}`, ...nanobanana };
    const count = async () => (await client.images.generate(ask)).data!.length;
    const events = async () =>
      (await Array.fromAsync(await client.images.generate({ ...ask, stream: true }))).length;
    const made = isStream ? events().catch((error) => error) : count();
    await polled;
    isUp = world.kill().then(() => world.start());
    await isUp;
    // A stream that broke off had begun, and the client does not repeat that.
    if (isStream) assert.ok(await made instanceof Error);
    else assert.equal(await made, 1);
    assert.deepEqual(attempts, isStream ? ["0"] : ["0", "1"]);
    const created = world.nanobanana.journal.filter(({ request }) => request === "create").length - before;
    assert.equal(created, 1);
  }
  await world.settle();
});

Deno.test("a provider that answers 500, drops the line or says nothing whole is asked once, though the client repeats", async () => {
  await using world = await createWorld({ seed: 1, isHonest: false });
  await world.start();
  const { openai } = world;
  const image = await toFile(await plainPng({ width: 1024, height: 1024 }), "a.png", { type: "image/png" });
  const failures = [
    () => new Response("no", { status: 500 }),
    () => cutOff('{"created":'),
    () => cutOff("event: image_generation.partial_image\ndata: {", "text/event-stream"),
  ];
  for (const [i, failure] of failures.entries()) {
    for (const kind of ["generate", "edit"] as const) {
      const { client, attempts } = connect(world, () => Promise.resolve());
      const calls = () => openai.journal.filter(({ path }) => path.includes("/images/")).length;
      const before = calls();
      openai.instead.push(failure);
      const ask = { prompt: `${world.people[0].name}: failure ${i} ${kind}`, model: "gpt-image-2" };
      const asked = kind === "generate" ? client.images.generate(ask) : client.images.edit({ ...ask, image });
      await assert.rejects(asked, (error: unknown) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.equal(error.type, "image_generation_error");
        return true;
      });
      assert.deepEqual(attempts, ["0"]);
      assert.equal(calls() - before, 1);
    }
  }
});

Deno.test("lines that break and kills at random leave one prompt and one task of each request", async () => {
  const seed = Number(Deno.env.get("STORM_SEED") ?? Math.floor(Math.random() * 1e9));
  console.log(`STORM_SEED=${seed}`);
  const findings = await repeatedRequests({ seed });
  assert.deepEqual(findings.flatMap(({ violations }) => violations), []);
});
