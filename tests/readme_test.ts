/** What the README shows works as it stands there. */
import assert from "node:assert/strict";
import { shippedPrices } from "../lib/catalog/price_book.ts";
import { createStudio } from "./fixtures/studio.ts";
import { createOutgoing } from "../lib/outgoing.ts";
import { createTestDirectory } from "./fixtures/directory.ts";
import { picture } from "./fixtures/stand_in_provider.ts";
import { serve } from "./stand_ins/http.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));

Deno.test("the provider of the example makes pictures, and its section has fewer than sixty lines", async () => {
  const [, section] = readme.split("### Add a provider\n");
  const code = section.split("```ts\n")[1].split("```")[0];
  const explained = section.slice(0, section.indexOf("Figures of one run"));
  assert.ok(explained.trim().split("\n").length < 60, `${explained.trim().split("\n").length} lines`);
  const providers = new URL("../lib/providers/", import.meta.url);
  const complete = code.replaceAll(/from "(\.[^"]+)"/g, (_, path) => `from "${new URL(path, providers)}"`);
  await using folder = await createTestDirectory();
  const file = `${folder.path}/easel.ts`;
  await Deno.writeTextFile(file, complete);
  const config = new URL("../deno.json", import.meta.url).pathname;
  const check = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config", config, file],
    stderr: "piped",
  }).output();
  assert.ok(check.success, new TextDecoder().decode(check.stderr));

  const { createEasel } = await import(`file://${file}`);
  const image = (await picture(512, 512)).toBase64();
  await using service = serve(async (request) =>
    (await request.json()).prompt === "no"
      ? Response.json({ message: "no such words" }, { status: 422 })
      : Response.json({ image })
  );
  using outgoing = createOutgoing();
  const provider = createEasel({ apiKey: "key", baseUrl: service.url, outgoing });
  const row = { ...shippedPrices[0], provider: "easel", model: "easel-1", costMicros: 10_000 };
  await using studio = await createStudio({
    standIn: { provider, prices: [row], submitted: [], scripts: [] },
  });
  const program = await studio.withKey();
  const send = async (prompt: string) =>
    await (await program.post("/api/v1/images/generate", { prompt, imageSize: "1024x1024", seed: 1 })).json();
  const made = await send("a sea");
  assert.deepEqual([made.status, made.costMicros, made.images[0].width], ["COMPLETED", 10_000, 1024]);
  const refused = await send("no");
  assert.deepEqual([refused.error.reason, refused.costMicros], ["provider_rejected", 0]);
});
