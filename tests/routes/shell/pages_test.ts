import assert from "node:assert/strict";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { createEditStandIn, upload } from "../../fixtures/edit_stand_in.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const fragment = { "HX-Request": "true", "HX-Request-Type": "partial" };

async function make(client: Client, prompt = "sea"): Promise<{ promptId: string; imageId: string }> {
  const answer = await client.post("/api/v1/images/generate", { prompt, imageSize: "512x512" });
  const { promptId, images } = await answer.json();
  return { promptId, imageId: images[0].id };
}

Deno.test("the generator's form works without scripts", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const page = await (await session.get("/generator")).text();
  assert.match(page, /<button id="generate"[^>]*>Generate · <span class="price">\$0\.02<\/span>/);
  const key = /name="requestKey" value="([^"]+)"/.exec(page)![1];
  const fields = {
    requestKey: key,
    prompt: "a sea\r\nof sand",
    imageSize: "512x512",
    count: "1",
    seed: "",
    watermark: "",
  };
  const sent = await session.form("/generator", fields);
  assert.deepEqual([sent.status, sent.headers.get("Location")], [303, "/generator"]);
  const again = await session.form("/generator", fields);
  assert.equal(again.status, 303);
  const { prompts } = await (await session.get("/api/v1/prompts")).json();
  assert.deepEqual(prompts.map(({ prompt }: { prompt: string }) => prompt), ["a sea\nof sand"]);
  const done = await until(
    async () => await (await session.get("/generator")).text(),
    (text) => text.includes('data-status="COMPLETED"'),
  );
  assert.match(done, new RegExp(`data-prompt-id="${prompts[0].id}"`));
  assert.match(
    done,
    /<img src="\/api\/v1\/images\/[^"]+\/file\?width=640" width="512" height="512" alt="a sea\nof sand"/,
  );
  assert.doesNotMatch(done, /http-equiv="refresh"/);
});

/** What a browser sends for a form: each field's value, of radio buttons the chosen one. */
function fieldsOf(page: string): Record<string, string> {
  const form = /<form id="generator".*?<\/form>/s.exec(page)![0];
  const fields: Record<string, string> = { prompt: /<textarea[^>]*>(.*?)<\/textarea>/s.exec(form)![1] };
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    if (input.includes('type="radio"') && !/ checked(?=[ >=/])/.test(input)) continue;
    fields[/ name="([^"]+)"/.exec(input)![1]] = / value="([^"]*)"/.exec(input)?.[1] ?? "";
  }
  return fields;
}

Deno.test("the form sends what its button says, also for settings that it does not offer by itself", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const asked = { prompt: "sea", imageSize: "768x768", count: 3, seed: 7, watermark: "mine" };
  await session.post("/api/v1/images/generate", asked, { Prefer: "respond-async" });
  const { prompts: [{ id }] } = await (await session.get("/api/v1/prompts")).json();
  const page = await (await session.get(`/generator?from=${id}`)).text();
  assert.match(page, /Generate 3 · <span class="price">\$0\.06/);
  const { requestKey: _, ...fields } = fieldsOf(page);
  assert.deepEqual(fields, {
    prompt: "sea",
    model: "stand-in",
    imageSize: "768x768",
    count: "3",
    watermark: "mine",
    seed: "7",
    guidance: "",
  });
  assert.equal((await session.form("/generator", fields)).status, 303);
  const { prompts: [again] } = await (await session.get("/api/v1/prompts")).json();
  const { prompt } = await (await session.get(`/api/v1/prompts/${again.id}`)).json();
  const { count, imageSize, watermark, options } = prompt;
  assert.deepEqual({ count, imageSize, watermark, options }, {
    count: 3,
    imageSize: "768x768",
    watermark: "mine",
    options: { seed: 7 },
  });
});

Deno.test("while something develops the page reloads by itself where there is no script", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  await session.form("/generator", { prompt: "sea" });
  for (const path of ["/generator", "/prompts"]) {
    const page = await (await session.get(path)).text();
    assert.match(page, /<noscript><meta http-equiv="refresh" content="2">?\/?>?<\/noscript>/, path);
  }
});

Deno.test("a form that is refused comes back with what was typed and why", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: 10_000 });
  const session = await studio.withSession();
  const cases: [Record<string, string>, number, string][] = [
    [{ prompt: " " }, 400, "Prompt is required and must be a non-empty string"],
    [{ prompt: "sea", count: "x", imageSize: "768x768" }, 400, "count must be a whole number from 1 to 8"],
    [{ prompt: "sea", steps: "4" }, 422, "The model stand-in does not support steps"],
    [{ prompt: "<i>sea" }, 402, "This would cost more than what is left of this month&#39;s budget"],
    [{ prompt: "sea", role: "owner" }, 400, "Unknown field: role"],
  ];
  for (const [fields, status, message] of cases) {
    const page = await session.form("/generator", fields);
    assert.equal(page.status, status);
    const text = await page.text();
    assert.ok(text.includes(`<p class="error" role="alert">${message}</p>`), message);
    assert.ok(text.includes(`>${fields.prompt.replace("<i>", "&lt;i&gt;")}</textarea>`), fields.prompt);
    const part = await session.form("/generator", fields, fragment);
    assert.equal(part.status, status);
    assert.equal(await part.text(), `<p class="error" role="alert">${message}</p>`);
  }
});

Deno.test("htmx gets the card, the budget and a fresh key instead of a page", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 100_000 });
  const session = await studio.withSession();
  const answer = await session.form("/generator", { requestKey: "k", prompt: "sea", count: "2" }, fragment);
  assert.equal(answer.status, 201);
  const text = await answer.text();
  assert.match(text, /<hx-partial hx-target="#cards" hx-swap="place"><article id="prompt-/);
  assert.match(text, /\$0\.06 left this month, \$0\.04 set aside/);
  assert.match(text, /name="requestKey" value="[0-9a-f-]{36}"/);
  assert.doesNotMatch(text, /<html/);
});

Deno.test("changing a setting changes the price on the button", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const text = await (await session.get("/generator/settings?count=4&imageSize=1536x1536", fragment)).text();
  assert.match(text, /Generate 4 · <span class="price">\$0\.08<\/span>/);
  assert.match(text, /value="1536x1536" checked/);
  const odd = await (await session.get("/generator/settings?count=999&imageSize=1x1&model=none", fragment))
    .text();
  assert.match(odd, /Generate 8 · <span class="price">\$0\.16/);
  assert.match(odd, /value="1024x1024" checked/);
});

Deno.test("a model that makes pictures as large as the one that it is given has no sizes to choose", async () => {
  const [maker] = createEditStandIn().provider.models;
  const filler = { ...maker, id: "filler", needsSource: true as const };
  const standIn = createEditStandIn();
  const provider = { ...standIn.provider, models: [maker, filler] };
  await using studio = await createStudio({
    standIn: {
      ...standIn,
      provider,
      prices: standIn.prices.flatMap((row) => [row, { ...row, model: "filler" }]),
    },
  });
  const session = await studio.withSession();
  const image = await upload(await studio.withKey());
  const given = `source=${image}&role=base`;
  for (const query of ["model=filler", `model=filler&${given}`, `model=filler&${given}&imageSize=512x512`]) {
    const text = await (await session.get(`/generator/settings?${query}`, fragment)).text();
    const choices = [...text.matchAll(/name="imageSize" value="([^"]*)"( checked)?/g)];
    assert.deepEqual(choices.map(([, value, checked]) => [value, checked]), [["", " checked"]], query);
  }
  const text = await (await session.get(`/generator/settings?model=changer&${given}`, fragment)).text();
  assert.match(text, /name="imageSize" value="512x512"/);
});

Deno.test("settings of an earlier prompt fill the form; somebody else's do not", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  await session.form("/generator", { prompt: "sea", imageSize: "768x768", seed: "42", watermark: "mine" });
  const { prompts: [{ id }] } = await (await session.get("/api/v1/prompts")).json();
  const page = await (await session.get(`/generator?from=${id}`)).text();
  for (const part of ['value="42"', 'value="mine"', 'value="768x768" checked', ">sea</textarea>"]) {
    assert.ok(page.includes(part), part);
  }
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.get(`/generator?from=${id}`)).status, 404);
});

Deno.test("every page of somebody who is signed in has a form to sign out", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const { promptId, imageId } = await make(session);
  const other = (await make(session)).imageId;
  const paths = [
    ...[
      "/login",
      "/join",
      "/dashboard",
      "/generator",
      "/gallery",
      "/prompts",
      "/queue",
      "/profile",
      "/profile/passkeys",
      "/api",
    ],
    ...["", "/audit", "/invitations", "/prices", "/providers", "/queue", "/spend"].map((page) =>
      `/admin${page}`
    ),
    ...[
      `/images/${imageId}`,
      `/compare?images=${imageId},${other}`,
      `/generator?from=${promptId}`,
      "/nothing",
    ],
  ];
  for (const path of paths) {
    const page = await (await session.get(path)).text();
    assert.match(page, /<form method="post" action="\/logout"><button[^>]*>Sign out<\/button>/, path);
  }
  for (const path of ["/", "/login", "/join", "/api", "/nothing"]) {
    assert.doesNotMatch(await (await studio.fetch(path)).text(), /Sign out/, path);
  }
});

Deno.test("user text is text wherever it appears", async () => {
  const standIn = createStandIn();
  const evil =
    `<script>alert(1)</script>"'><img src=x onerror=alert(1)><div hx-get="/logout" hx-trigger="load">`;
  await using studio = await createStudio({ standIn });
  const session = await studio.withSession();
  const { imageId } = await make(session, evil);
  standIn.scripts.push(
    failWith(new ProviderFailure("provider_failed", "x", { outcome: "failed", said: evil })),
  );
  await session.post("/api/v1/images/generate", { prompt: evil, imageSize: "512x512" });
  for (
    const path of [
      "/generator",
      "/gallery",
      "/prompts",
      `/images/${imageId}`,
      `/generator?prompt=${encodeURIComponent(evil)}`,
    ]
  ) {
    const page = await (await session.get(path)).text();
    assert.ok(page.includes("&lt;script&gt;alert(1)"), path);
    for (const part of ["<script>alert", "<img src=x", "<div hx-get"]) assert.ok(!page.includes(part), path);
  }
});

Deno.test("history says what happened, whether it cost anything and what to do", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("outcome_unknown", "x", { outcome: "unknown" })));
  await using studio = await createStudio({ standIn });
  const session = await studio.withSession();
  await session.post("/api/v1/images/generate", { prompt: "sea" });
  const history = await (await session.get("/prompts?status=FAILED")).text();
  assert.match(history, /nobody can say whether the picture was made/);
  assert.match(history, /It may have been billed, so its price is booked\./);
  assert.match(history, /\$0\.02/);
  assert.match(await (await session.get("/generator")).text(), /it is never sent twice by itself/);
  assert.match(await (await session.get("/prompts?status=COMPLETED")).text(), /Nothing here yet/);
});

Deno.test("cancel and retry work as plain forms and as fragments", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  await session.form("/generator", { prompt: "sea" });
  const { prompts: [{ id }] } = await (await session.get("/api/v1/prompts")).json();
  assert.equal((await session.form(`/prompts/${id}/cancel`, {})).status, 303);
  const part = await (await session.form(`/prompts/${id}/cancel`, {}, fragment)).text();
  assert.match(part, new RegExp(`id="prompt-${id}"[^>]*data-status="CANCELLED"`));
  assert.match(part, new RegExp(`hx-target="#history" hx-swap="place"><tr id="row-${id}"`));
  assert.equal((await session.form(`/prompts/${id}/retry`, {})).status, 303);
  assert.equal((await session.form(`/prompts/${id}/retry`, {}, fragment)).status, 201);
  const { pagination } = await (await session.get("/api/v1/prompts")).json();
  assert.equal(pagination.total, 3);
});

Deno.test("the gallery leads through all pictures by links, and a picture to its neighbours", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const made: string[] = [];
  for (let i = 0; i < 3; i++) made.unshift((await make(session)).imageId);
  const first = await (await session.get("/gallery?limit=2")).text();
  const idsIn = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(idsIn(first), made.slice(0, 2));
  const next = /href="(\/gallery\?cursor=[^"]+)"/.exec(first)![1];
  assert.deepEqual(idsIn(await (await session.get(next)).text()), made.slice(2));
  const middle = await (await session.get(`/images/${made[1]}`)).text();
  assert.match(middle, new RegExp(`rel="prev" href="/images/${made[0]}"`));
  assert.match(middle, new RegExp(`rel="next" href="/images/${made[2]}"`));
  const deleted = await session.form(`/images/${made[1]}/delete`, {});
  assert.deepEqual([deleted.status, deleted.headers.get("Location")], [303, `/gallery?deleted=${made[1]}`]);
  assert.equal((await session.get(`/images/${made[1]}`)).status, 404);
});

Deno.test("pages forbid inline scripts and foreign frames, and their assets never change", async () => {
  await using studio = await createStudio();
  const page = await studio.fetch("/");
  const policy = page.headers.get("Content-Security-Policy")!;
  for (
    const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "object-src 'none'",
    ]
  ) {
    assert.ok(policy.includes(part), part);
  }
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(page.headers.get("Cross-Origin-Opener-Policy"), "same-origin");
  assert.equal(page.headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(page.headers.get("X-Frame-Options"), "DENY");
  assert.equal(page.headers.get("Referrer-Policy"), "same-origin");
  const text = await page.text();
  assert.doesNotMatch(text, /<script>|style="|onclick=/);
  const addresses = [...text.matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map(([, address]) => address);
  assert.equal(addresses.length, 6);
  for (const address of addresses) {
    const asset = await studio.fetch(address);
    assert.equal(asset.status, 200);
    assert.equal(asset.headers.get("Cache-Control"), "public, max-age=31536000, immutable");
    await asset.body!.cancel();
  }
});

Deno.test("a bug answers with a request id and nothing else", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  studio.deps.progress.read = () => {
    throw new Error("a secret detail");
  };
  studio.standIn.scripts.push(holdUntil(new Promise(() => {})));
  await program.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "respond-async" });
  const answer = await until(
    () => program.get("/api/v1/prompts"),
    ({ status }) => status === 500,
  );
  const { error } = await answer.json();
  assert.deepEqual(error, {
    message: "Something went wrong on our side",
    code: "internal",
    requestId: answer.headers.get("X-Request-Id"),
  });
  assert.ok(
    studio.log.some((line) => line.includes("a secret detail") && line.includes(String(error.requestId))),
  );
});

Deno.test("the generator shows recent pictures six a page", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const made: string[] = [];
  for (let i = 0; i < 8; i++) made.unshift((await make(session)).imageId);
  const first = await (await session.get("/generator")).text();
  const idsIn = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(idsIn(first), made.slice(0, 6));
  const next = /href="(\/generator\?cursor=[^"#]+)#recent"/.exec(first)![1];
  const second = await (await session.get(next)).text();
  assert.deepEqual(idsIn(second), made.slice(6));
  assert.match(second, /id="recent-images"[^>]*data-fixed/);
});

Deno.test("what people wrote stands in its own direction, wherever it is shown or typed", async () => {
  await using studio = await createStudio();
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const words = "قطة على النافذة, 2026";
  const id = await submit(program, { prompt: words, watermark: "© عدي" });
  const { images: [{ id: imageId }] } = await finished(program, id);
  const second = (await finished(program, await submit(program, { prompt: words }))).images[0].id;
  const gone = (await finished(program, await submit(program, { prompt: words }))).images[0].id;
  await person.form(`/images/${gone}/delete`, {});
  await person.form("/profile/keys", { name: "مفتاح", scope: "read" });
  await person.form("/admin/invitations", { name: "ضيف" });
  await studio.setUser({ ...studio.owner, name: "عدي" });
  const shown: [path: string, elements: RegExp[]][] = [
    ["/generator", [
      /<textarea[^>]* name="prompt"[^>]* dir="auto"/,
      /<p id="[^"]*" class="text" dir="auto">قطة/,
    ]],
    ["/generator", [/<input id="watermark"[^>]* dir="auto"/, /<span class="caption" dir="auto"[^>]*>قطة/]],
    ["/gallery", [/<input id="q"[^>]* dir="auto"/, /<span class="caption" dir="auto"[^>]*>قطة/]],
    [`/images/${imageId}`, [/<h1 class="text" dir="auto">قطة/, /<bdi>© عدي<\/bdi>/]],
    [`/compare?images=${imageId},${second}`, [/<p class="text" dir="auto">قطة/]],
    ["/prompts", [/<p class="text" dir="auto">قطة/]],
    ["/profile", [/<input id="name" name="name" value="عدي" dir="auto"/]],
    ["/profile", [/<th scope="row" dir="auto">مفتاح/]],
    ["/admin", [/<th scope="row" dir="auto">عدي/]],
    ["/admin/spend", [/<th scope="row" dir="auto">عدي/]],
    ["/admin/invitations", [/<bdi>ضيف<\/bdi>/]],
    [`/images/${gone}`, [/<p class="text" dir="auto">قطة/]],
  ];
  for (const [path, elements] of shown) {
    const page = await (await person.get(path)).text();
    for (const element of elements) assert.match(page, element, path);
    for (const [element] of page.matchAll(/<(?:p|h1|span|td|li|strong)\b[^>]*>قطة/g)) {
      assert.match(element, /dir="auto"/, `${path}: ${element}`);
    }
  }
});
