import assert from "node:assert/strict";
import fc from "fast-check";
import { curlCommand } from "../../../routes/prompts/curl_command.ts";
import curlScript from "../../../static/scripts/curl.js" with { type: "text" };
import { createStudio, type StudioOptions } from "../../fixtures/studio.ts";
import { createEditingStandIn, uploaded } from "../../fixtures/uploads.ts";

/** An application that is really there, and what it was sent. */
async function serveStudio(options: StudioOptions = {}) {
  const bodies: Uint8Array[] = [];
  const ready = Promise.withResolvers<Awaited<ReturnType<typeof createStudio>>>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const bytes = await request.bytes();
    bodies.push(bytes);
    const { url, method, headers } = request;
    const isEmpty = bytes.length === 0;
    const studio = await ready.promise;
    return await studio.handle(new Request(url, { method, headers, body: isEmpty ? null : bytes }));
  });
  const studio = await createStudio({ publicUrl: `http://127.0.0.1:${server.addr.port}`, ...options });
  ready.resolve(studio);
  return {
    studio,
    bodies,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await studio[Symbol.asyncDispose]();
    },
  };
}

async function inShell(command: string, env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", `${command} -s`], env })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** As it stands on the page. */
function commandOn(page: string): string {
  const [, shown] = /<code id="curl"[^>]*>([^]*?)<\/code>/.exec(page)!;
  return shown.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

const wicked = [
  'it\'s a "fox"',
  "two\nlines, $HOME, ${PATH}, `id`, $(id), \\ \\n \\' !! # ~ * ? & | ; <b>&amp;</b>",
  "'; rm -rf /tmp/nothing; '",
  "''''",
  "@file",
  "ünïcödé 狐 🦊 👩‍🎨 \u202e turned \u200f",
];

Deno.test("what the page shows is, in a real shell, the very request that the form would send", async () => {
  await using scene = await serveStudio();
  const { studio, bodies } = scene;
  const [session, program] = [await studio.withSession(), await studio.withKey()];
  for (const prompt of wicked) {
    const query = new URLSearchParams({
      prompt,
      imageSize: "512x512",
      seed: "7",
      count: "2",
      watermark: "o'k",
    });
    const page = await (await session.get(`/generator?${query}`)).text();
    const answer = JSON.parse(await inShell(commandOn(page), { DARKROOM_KEY: program.credential }));
    assert.equal(answer.success, true, JSON.stringify(answer));
    assert.equal(answer.images.length, 2);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(bodies.at(-1))), {
      prompt,
      model: "stand-in",
      imageSize: "512x512",
      count: 2,
      watermark: "o'k",
      seed: 7,
    });
    const { prompt: { options, watermark } } = await (await program.get(`/api/v1/prompts/${answer.promptId}`))
      .json();
    assert.deepEqual([options.seed, watermark], [7, "o'k"]);
  }
});

Deno.test("a form that was not accepted is shown as its request, too, and never with a key", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const page = await (await session.form("/generator", { prompt: "it's", seed: "x", requestKey: "1" }))
    .text();
  const command = commandOn(page);
  assert.match(command, /-H "Authorization: Bearer \$DARKROOM_KEY"/);
  assert.match(command, /"prompt": "it'\\''s",/);
  assert.match(command, /"seed": "x"/);
  assert.doesNotMatch(command, /requestKey|dk_/);
});

Deno.test("pictures that are there already are named in the request, and of others it says what to do", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const [session, program] = [await studio.withSession(), await studio.withKey()];
  const id = await uploaded(program);
  const page = await (await session.get(`/generator?prompt=sea&source=${id}&role=base`)).text();
  assert.match(commandOn(page), new RegExp(`"sources": \\[\\s+{\\s+"id": "${id}",\\s+"role": "base"`));
  assert.match(page, /Pictures that were added from this device are not in it/);
});

Deno.test("any text comes through the shell byte for byte", async () => {
  const text = fc.string({
    unit: fc.constantFrom(..."ab'\"\\$`!\n\r\t\0#&;|<>(){}[]*?~=%é狐\u202e\u0085\u{1f98a}"),
  });
  await fc.assert(
    fc.asyncProperty(text, text, async (prompt, watermark) => {
      const command = curlCommand({ address: "http://x'y/", body: { prompt, watermark } });
      const args = JSON.parse(
        await inShell(
          `curl() { deno eval --ext=js 'console.log(JSON.stringify(Deno.args))' -- "$@"; }; ${command}`,
          { DARKROOM_KEY: "dk_'x" },
        ),
      );
      assert.deepEqual(args.slice(0, 5), [
        "http://x'y/",
        "-H",
        "Authorization: Bearer dk_'x",
        "-H",
        "Content-Type: application/json",
      ]);
      assert.equal(args[5], "-d");
      assert.deepEqual(JSON.parse(args[6]), { prompt, watermark });
      assert.ok(
        Array.from(args[6] as string).every((each) => each === "\n" || !/[\p{Cc}\u202e]/u.test(each)),
      );
    }),
    { numRuns: 25 },
  );
});

/** What the script shows for a form with these fields. */
function shownByScript(fields: [string, unknown][]): string {
  const command = { textContent: "", dataset: { address: "http://localhost/it's" } };
  const listeners: { [name: string]: () => void } = {};
  class Fields {
    [Symbol.iterator] = () => fields[Symbol.iterator]();
    getAll = (name: string) => fields.filter(([each]) => each === name).map(([, value]) => value);
    has = (name: string) => fields.some(([each]) => each === name);
  }
  const page = { getElementById: (id: string) => id === "curl" ? command : {} };
  const listen = (name: string, listener: () => void) => void (listeners[name] = listener);
  new Function("document", "FormData", "addEventListener", curlScript)(page, Fields, listen);
  listeners.input();
  return command.textContent;
}

Deno.test("the script shows the same as the server does", () => {
  for (const prompt of wicked) {
    const shown = shownByScript([
      ["requestKey", "1"],
      ["prompt", prompt.replaceAll("\n", "\r\n")],
      ["recipeVersion", "3"],
      ["source", "a"],
      ["role", "base"],
      ["source", "b"],
      ["role", "none"],
      ["upload", new File([], "")],
      ["model", "stand-in"],
      ["imageSize", "512x512"],
      ["count", "2"],
      ["boardId", ""],
      ["watermark", " "],
      ["seed", "7"],
      ["guidance", "much"],
    ]);
    const body = {
      prompt,
      model: "stand-in",
      imageSize: "512x512",
      count: 2,
      seed: 7,
      guidance: "much",
      sources: [{ id: "a", role: "base" }],
    };
    assert.equal(shown, curlCommand({ address: "http://localhost/it's", body }));
  }
  const recipe: [string, string][] = [["prompt", "x"], ["recipeVersion", "3"], ["recipeId", "r"]];
  assert.match(shownByScript(recipe), /"recipeVersion": 3,\n {2}"recipeId": "r"/);
});
