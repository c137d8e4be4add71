/** What holds for the markup of every page, in whatever state it is. */
import assert from "node:assert/strict";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { createInvitation } from "../../../lib/identity/invitation.ts";
import { acceptPrompt, completePrompt, createTestPasskey, startPrompt } from "../../fixtures/store.ts";
import { createStandIn, failWith, standInModel } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

interface Shown {
  name: string;
  text: string;
}

async function open(client: Client, paths: string[]): Promise<Shown[]> {
  return await Promise.all(paths.map(async (path) => shown(`GET ${path}`, await client.get(path))));
}

async function refused(
  client: Client,
  forms: [path: string, fields: Record<string, string>][],
): Promise<Shown[]> {
  const pages: Shown[] = [];
  for (const [path, fields] of forms) {
    const answer = await client.form(path, fields);
    assert.ok(answer.status >= 400, `${path} was to be refused, and was answered ${answer.status}`);
    pages.push(await shown(`POST ${path}`, answer));
  }
  return pages;
}

async function shown(name: string, answer: Response): Promise<Shown> {
  const text = await answer.text();
  assert.match(text, /<main id="main"/, `${name} is no page`);
  return { name, text };
}

const ownPages = [
  "/dashboard",
  "/generator",
  "/batches",
  "/batches/new",
  "/gallery",
  "/prompts",
  "/profile",
  "/profile/passkeys",
  "/profile/webhooks",
];
const adminPages = ["", "/audit", "/invitations", "/prices", "/providers", "/queue", "/spend"].map((name) =>
  `/admin${name}`
);
const openPages = ["/", "/login", "/login?code=x", "/join", "/api", "/nothing"];

/** Pictures, something that waits, something that runs, a failure, a charge in doubt, batches, keys, passkeys, an invitation. */
async function fill({ store, blobs, owner, standIn }: Studio, session: Client) {
  const made = await completePrompt(store, owner, { blobs, request: { count: 3 } });
  const failure = new ProviderFailure("outcome_unknown", "x", { outcome: "unknown" });
  standIn.scripts.push(failWith(failure));
  await session.post("/api/v1/images/generate", { prompt: "sea" });
  await startPrompt(store, (await acceptPrompt(store, owner)).prompt.value.id);
  await createTestPasskey(store, owner);
  const { code } = await createInvitation(store, { createdBy: owner.id, name: "Bob" });
  const batches = await Promise.all([
    { prompts: ["sea", "land"], limit: 0.03 },
    { template: { prompt: "{sea|land}", braces: true, axes: { seed: [1, 2] } } },
  ].map(async (body) => (await (await session.post("/api/v1/batches", body)).json()).batchId));
  await session.form(`/batches/${batches[0]}/pause`, {});
  const images = imagesOf(made.value).map(({ id }) => id);
  return { promptId: made.value.id, images, code, batches: batches.map((id) => `/batches/${id}`) };
}

async function pagesOf(studio: Studio): Promise<Shown[]> {
  const session = await studio.withSession();
  const member = await studio.withSession(await studio.addMember());
  const nobody: Client = { ...member, get: (path) => studio.fetch(path) };
  const empty = [
    ...await open(nobody, openPages),
    ...await open(member, ownPages),
    ...await open(session, [...ownPages, ...adminPages]),
  ];
  const { promptId, images: [first, second, third], code, batches } = await fill(studio, session);
  await session.form(`/images/${third}/delete`, {});
  const made = await shown(
    "POST /profile/keys",
    await session.form("/profile/keys", { name: "laptop", scope: "all" }),
  );
  const invited = await shown(
    "POST /admin/invitations",
    await session.form("/admin/invitations", { name: "Eve" }),
  );
  const previewed = await shown(
    "POST /batches/new",
    await session.form("/batches/new", { way: "braces", braces: "on", prompts: "a {red|blue} fox" }),
  );
  const filled = await open(session, [
    ...ownPages,
    ...adminPages,
    `/generator?from=${promptId}`,
    ...batches,
    `${batches[1]}?sort=stars`,
    `/batches/new?from=${batches[0].split("/").at(-1)}`,
    "/gallery?q=none",
    "/gallery?limit=1",
    `/gallery?deleted=${third}`,
    `/images/${first}`,
    `/compare?images=${first},${second}`,
    "/prompts?status=FAILED",
    "/profile?done=key",
    `/join?code=${code}`,
  ]);
  const problems = await refused(session, [
    ["/generator", { prompt: "" }],
    ["/batches/new", { way: "list", prompts: "" }],
    ["/batches", { planId: "none" }],
    ["/profile", { name: "" }],
    ["/profile/keys", { name: "", scope: "read" }],
    ["/profile/delete", { confirm: "no" }],
    ["/admin/invitations", { name: "" }],
    ["/admin/prices", { model: "none", size: "*", cost: "1", validFrom: "2999-01-01" }],
    [`/admin/users/${studio.owner.id}`, { role: "king", monthlyBudget: "" }],
    [`/admin/spend/${promptId}`, { billed: "much", note: "invoice" }],
    ["/join", { code, name: "" }],
  ]);
  return [...empty, made, invited, previewed, ...filled, ...problems];
}

/** The values of an attribute, wherever an element has it. */
function valuesOf(text: string, attribute: string): string[] {
  const tags = [...text.matchAll(/<[a-z][^\s/>]*((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*\/?>/g)];
  return tags.flatMap(([, attributes]) =>
    [...attributes.matchAll(/\s([^\s=]+)="([^"]*)"/g)].filter(([, name]) => name === attribute)
  ).map(([, , value]) => value);
}

Deno.test("no page has an id twice, and what names an element by its id names one that is there", async () => {
  await using studio = await createStudio({ standIn: createStandIn() });
  for (const { name, text } of await pagesOf(studio)) {
    const ids = valuesOf(text, "id");
    assert.ok(ids.includes("main"), name);
    assert.deepEqual(ids.filter((id, at) => ids.indexOf(id) !== at), [], name);
    const named = ["for", "aria-labelledby", "aria-describedby"].flatMap((attribute) =>
      valuesOf(text, attribute).flatMap((value) => value.split(" "))
    );
    assert.deepEqual(named.filter((id) => !ids.includes(id)), [], name);
  }
});

/** What is typed there is numbers, an address, or a word that the page itself says. */
const fieldsOfOurs = [
  "email",
  "monthlyBudget",
  "cost",
  "billed",
  "size",
  "confirm",
  "code",
  "seed",
  "guidance",
  "steps",
  "count",
  "limit",
];

Deno.test("what people type stands in its own direction, in every field for words", async () => {
  await using studio = await createStudio({ standIn: createStandIn() });
  const seen = new Set<string>();
  for (const { name, text } of await pagesOf(studio)) {
    for (const [field, tag, attributes] of text.matchAll(/<(textarea|input)\b([^>]*)>/g)) {
      const [type, called] = ["type", "name"].map((each) =>
        new RegExp(` ${each}="([^"]*)"`).exec(attributes)?.[1]
      );
      const isForWords = tag === "textarea" || type === undefined || type === "text" || type === "search";
      if (!isForWords || fieldsOfOurs.includes(called ?? "")) continue;
      assert.match(field, / dir="auto"/, name);
      seen.add(called!);
    }
  }
  const names = ["name", "note", "prompt", "prompts", "q", "reason", "tag", "tags", "watermark"];
  assert.deepEqual([...seen].toSorted(), names);
});

const fragment = { "HX-Request": "true", "HX-Request-Type": "partial" };

/** htmx reads a fragment where scripts are off: what a fragment holds for browsers without them comes to all. */
Deno.test("no fragment holds anything for browsers without scripts", async () => {
  const { provider, prices } = createStandIn({
    id: "other",
    models: [{ ...standInModel, id: "other", provider: "other" }],
  });
  const others = [{ provider, prices: prices.map((row) => ({ ...row, provider: "other", model: "other" })) }];
  await using studio = await createStudio({ isWorking: false, others });
  const session = await studio.withSession();
  const sent = { prompt: "sea", requestKey: "k" };
  const answers = [
    await session.get("/generator/settings?model=other", fragment),
    await session.form("/generator/price", { prompt: "sea" }, fragment),
    await session.form("/generator", { ...sent, price: "1" }, fragment),
    await session.form("/generator", sent, fragment),
    await session.get("/gallery/part", fragment),
    await session.get("/dashboard/figures", fragment),
  ];
  const { prompts: [{ id }] } = await (await session.get("/api/v1/prompts")).json();
  answers.push(
    await session.form(`/prompts/${id}/cancel`, {}, fragment),
    await session.form(`/prompts/${id}/retry`, {}, fragment),
  );
  for (const answer of answers) {
    const text = await answer.text();
    assert.doesNotMatch(text, /<html|<noscript/);
  }
  const page = await (await session.get("/generator")).text();
  const form = /<form id="generator".*?<\/form>/s.exec(page)![0];
  const [first, second] = form.matchAll(/<button[^>]*type="submit"[^>]*>/g);
  assert.match(first[0], /id="generate"/);
  assert.match(second[0], /formmethod="get"/);
  assert.match(form, /<noscript><button[^>]*formmethod="get"/);
});
