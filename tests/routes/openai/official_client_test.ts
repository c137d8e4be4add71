/** The official client for JavaScript with its default settings. */
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import sharp from "sharp";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { openAiClient } from "../../fixtures/openai_client.ts";
import {
  failWith,
  picture,
  type Script,
  standInPriceMicros,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createEditingStandIn, plainPng } from "../../fixtures/uploads.ts";

async function factsOf(base64: string) {
  const { format, width, height } = await sharp(Uint8Array.fromBase64(base64)).metadata();
  return { format, width, height };
}

Deno.test("the client lists the models and finds one, the default under the name darkroom too", async () => {
  await using studio = await createStudio();
  const { client } = openAiClient(studio, await studio.withKey(studio.owner, "read"));
  const models = await Array.fromAsync(client.models.list());
  assert.deepEqual(models.map(({ id }) => id), ["stand-in", "darkroom"]);
  assert.deepEqual(await client.models.retrieve("stand-in"), {
    id: "stand-in",
    object: "model",
    created: 0,
    owned_by: "stand-in",
  } as OpenAI.Model);
  assert.equal((await client.models.retrieve("darkroom")).id, "darkroom");
  await assert.rejects(client.models.retrieve("dall-e-3"), (error: unknown) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
    return true;
  });
});

Deno.test("a picture comes as base64 unless its address is asked for, with what it cost beside it", async () => {
  await using studio = await createStudio();
  const { client, answers } = openAiClient(studio, await studio.withKey());
  const made = await client.images.generate({ prompt: "a harbour", size: "512x512", n: 2 });
  assert.equal(made.data!.length, 2);
  for (const { b64_json, url } of made.data!) {
    assert.equal(url, undefined);
    assert.deepEqual(await factsOf(b64_json!), { format: "png", width: 512, height: 512 });
    assert.deepEqual(Uint8Array.fromBase64(b64_json!), new Uint8Array(await picture(512, 512)));
  }
  const { data: _, created, ...facts } = made as typeof made & { darkroom: { promptId: string } };
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
  assert.deepEqual(facts, {
    size: "512x512",
    quality: "auto",
    background: "auto",
    output_format: "png",
    usage: {
      input_tokens: 0,
      input_tokens_details: { text_tokens: 0, image_tokens: 0 },
      output_tokens: 0,
      total_tokens: 0,
    },
    darkroom: { promptId: facts.darkroom.promptId, costMicros: 2 * standInPriceMicros, ignored: [] },
  } as unknown);
  const { headers } = answers[0];
  assert.equal(headers.get("X-Darkroom-Prompt"), facts.darkroom.promptId);
  assert.equal(headers.get("X-Darkroom-Cost-Micros"), String(2 * standInPriceMicros));
  assert.equal(headers.get("x-should-retry"), "false");

  const addressed = await client.images.generate({ prompt: "a harbour", response_format: "url" });
  const [{ b64_json, url }] = addressed.data!;
  assert.equal(b64_json, undefined);
  const file = await studio.fetch(new URL(url!).pathname);
  assert.equal(file.headers.get("Content-Type"), "image/png");
  assert.deepEqual(await factsOf((await file.bytes()).toBase64()), {
    format: "png",
    width: 1024,
    height: 1024,
  });
});

Deno.test("a picture is changed in a part, with three pictures and a mask, and the rest stays as it was", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const { client } = openAiClient(studio, await studio.withKey());
  const size = { width: 512, height: 512 };
  const base = await plainPng(size, "#369");
  const images = [base, await plainPng(size, "#963"), await plainPng(size, "#396")];
  const hole = await sharp({ create: { ...size, channels: 4, background: "#000000ff" } })
    .composite([{
      input: { create: { width: 512, height: 256, channels: 4, background: "#000" } },
      left: 0,
      top: 256,
      blend: "dest-out",
    }]).png().toBuffer();
  const made = await client.images.edit({
    image: await Promise.all(images.map((bytes, i) => toFile(bytes, `${i}.png`, { type: "image/png" }))),
    mask: await toFile(hole, "mask.png", { type: "image/png" }),
    prompt: "a red sea",
    n: 1,
  });
  const [task] = studio.standIn.submitted;
  assert.deepEqual(task.edit!.sources.map(({ role }) => role), ["base", "reference", "reference"]);
  const pixels = await sharp(Uint8Array.fromBase64(made.data![0].b64_json!)).removeAlpha().raw().toBuffer();
  assert.deepEqual([...pixels.subarray(0, 3)], [0x33, 0x66, 0x99]);
  assert.deepEqual([...pixels.subarray(-3)], [0xb3, 0x29, 0x0b]);
  assert.equal(made.size, "512x512");

  const alone = await client.images.edit({ image: await toFile(base, "0.png"), prompt: "a red sea" });
  assert.equal(alone.data!.length, 1);
});

/** Makes pictures on the way, each once it is let; then all the rest. */
function withPreviews(gates: Promise<void>[]): Script {
  return async function* (task) {
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    for (const [i, width] of [16, 32, 64].entries()) {
      await gates[i];
      const bytes = new Uint8Array(await picture(width, width));
      yield { type: "preview", bytes, contentType: "image/png" };
    }
    yield* succeed(task);
  };
}

Deno.test("a stream brings as many pictures on the way as were asked for, then the finished one", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const { client } = openAiClient(studio, await studio.withKey());
  for (const partial_images of [0, 2, 3]) {
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    studio.standIn.scripts.push(withPreviews(gates.map(({ promise }) => promise)));
    const stream = await client.images.generate({
      prompt: `sea ${partial_images}`,
      stream: true,
      partial_images,
    });
    const events: OpenAI.ImageGenStreamEvent[] = [];
    for (const [i, { resolve }] of gates.entries()) if (i === 0 || i >= partial_images) resolve();
    for await (const event of stream) {
      events.push(event);
      gates.at(events.length)?.resolve();
    }
    const partials = events.filter(({ type }) => type === "image_generation.partial_image");
    assert.deepEqual(
      partials.map((event) => "partial_image_index" in event && event.partial_image_index),
      Array.from({ length: partial_images }, (_, i) => i),
    );
    const widths = await Promise.all(partials.map(({ b64_json }) => factsOf(b64_json)));
    assert.deepEqual(widths.map(({ width }) => width), [16, 32, 64].slice(0, partial_images));
    const last = events.at(-1)!;
    assert.equal(last.type, "image_generation.completed");
    assert.deepEqual(await factsOf(last.b64_json), { format: "png", width: 1024, height: 1024 });
    assert.equal(events.length, partial_images + 1);
    for (const { size, quality, background, output_format, created_at } of events) {
      assert.deepEqual([size, quality, background, output_format], ["1024x1024", "auto", "auto", "png"]);
      assert.ok(Math.abs(created_at - Date.now() / 1000) < 60);
    }
  }
  const gate = Promise.withResolvers<void>();
  studio.standIn.scripts.push(withPreviews([gate.promise]));
  const change = await client.images.edit({
    image: await toFile(await plainPng({ width: 512, height: 512 }), "a.png"),
    prompt: "a red sea",
    stream: true,
    partial_images: 1,
  });
  gate.resolve();
  const types = (await Array.fromAsync(change)).map(({ type }) => type);
  assert.deepEqual(types, ["image_edit.partial_image", "image_edit.completed"]);
});

Deno.test("what is refused is the error that the client has for it, and is asked for once", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: standInPriceMicros });
  const key = await studio.withKey();
  const cases: [() => Promise<unknown>, new (...args: never[]) => Error, string, string | null][] = [
    [() => ask({ size: "640x480" }), OpenAI.BadRequestError, "invalid_image_size", "size"],
    [() => ask({ n: 2 }), OpenAI.RateLimitError, "budget_exceeded", null],
    [() => ask({ prompt: " " }), OpenAI.BadRequestError, "invalid_prompt", "prompt"],
    [() => ask({ model: "dall-e-3" }), OpenAI.NotFoundError, "model_not_found", "model"],
    [() => ask({ n: 9 }), OpenAI.BadRequestError, "invalid_request", "n"],
    [() => ask({ steps: 3 }), OpenAI.BadRequestError, "unsupported_parameter", "steps"],
    [() => ask({ negative_prompt: "x" }), OpenAI.BadRequestError, "unsupported_parameter", "negative_prompt"],
    [
      () => openAiClient(studio, { ...key, credential: "dk_wrong" }).client.models.list(),
      OpenAI.AuthenticationError,
      "invalid_api_key",
      null,
    ],
  ];
  let sent: unknown[] = [];
  async function ask(fields: object): Promise<unknown> {
    const wire = openAiClient(studio, key);
    sent = wire.sent;
    return await wire.client.images.generate({ prompt: "sea", ...fields });
  }
  for (const [work, kind, code, param] of cases) {
    await assert.rejects(work(), (error: unknown) => {
      assert.ok(error instanceof kind && error instanceof OpenAI.APIError, String(error));
      assert.deepEqual([error.code, error.param], [code, param], error.message);
      assert.ok(!/count|negativePrompt|imageSize/.test(error.message), error.message);
      return true;
    });
    assert.ok(sent.length <= 1, code);
  }
  assert.equal(studio.standIn.submitted.length, 0);
  const reader = openAiClient(studio, await studio.withKey(studio.owner, "read"));
  await assert.rejects(reader.client.images.generate({ prompt: "sea" }), OpenAI.PermissionDeniedError);
});

Deno.test("a prompt that fails is told once, and made once, whatever went wrong", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const failures: [ConstructorParameters<typeof ProviderFailure>[0], string, string][] = [
    ["content_policy", "image_generation_user_error", "moderation_blocked"],
    ["provider_failed", "image_generation_error", "provider_failed"],
    ["outcome_unknown", "image_generation_error", "outcome_unknown"],
    ["rate_limited", "image_generation_error", "rate_limited"],
  ];
  for (const [reason, type, code] of failures) {
    const outcome = reason === "outcome_unknown" ? "unknown" : "failed";
    studio.standIn.scripts.push(failWith(new ProviderFailure(reason, "no", { outcome })));
    const before = studio.standIn.submitted.length;
    const { client, sent, answers } = openAiClient(studio, key);
    await assert.rejects(client.images.generate({ prompt: "sea" }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.type, error.code], [type, code]);
      return true;
    });
    assert.deepEqual([sent.length, studio.standIn.submitted.length - before], [1, 1], reason);
    assert.equal(answers[0].headers.get("x-should-retry"), "false");
    assert.match(answers[0].headers.get("X-Darkroom-Cost-Micros")!, /^\d+$/);
  }
  studio.standIn.scripts.push(failWith(new ProviderFailure("content_policy", "no", { outcome: "failed" })));
  const { client, sent } = openAiClient(studio, key);
  const stream = await client.images.generate({ prompt: "sea", stream: true });
  await assert.rejects(Array.fromAsync(stream), (error: unknown) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.deepEqual([error.type, error.code], ["image_generation_user_error", "moderation_blocked"]);
    return true;
  });
  assert.equal(sent.length, 1);
});

Deno.test("an answer that is lost is asked for again by the client, and joins the first", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const losses: ((answer: Response) => Promise<Response>)[] = [
    async (answer) => {
      await answer.body?.cancel();
      throw new TypeError("fetch failed");
    },
    async (answer) => {
      await answer.body?.cancel();
      return new Response("<html>Bad gateway</html>", { status: 502 });
    },
  ];
  const image = await toFile(await plainPng({ width: 512, height: 512 }), "a.png");
  for (const lose of losses) {
    for (const kind of ["generate", "edit", "stream"]) {
      const before = studio.standIn.submitted.length;
      const { client, sent } = openAiClient(studio, key, {
        between: async (send, count) => count === 1 ? await lose(await send()) : await send(),
      });
      const prompt = `${kind} ${before}`;
      const made = kind === "generate"
        ? (await client.images.generate({ prompt })).data!.length
        : kind === "edit"
        ? (await client.images.edit({ prompt, image })).data!.length
        : (await Array.fromAsync(await client.images.generate({ prompt, stream: true }))).length;
      assert.equal(made, 1);
      assert.deepEqual(sent.map(({ timesBefore }) => timesBefore), ["0", "1"]);
      assert.equal(studio.standIn.submitted.length - before, 1, `${kind} ${lose}`);
    }
  }
});
