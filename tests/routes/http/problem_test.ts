/** Forms that are refused: their page again, with the problem, its status, and what a client needs to know. */
import assert from "node:assert/strict";
import { createStudio } from "../../fixtures/studio.ts";

const fragment = { "HX-Request": "true", "HX-Request-Type": "partial" };

Deno.test("a form that comes too often is shown again with what was typed, and says when to come back", async () => {
  await using studio = await createStudio({ generateLimit: 1, isWorking: false });
  const session = await studio.withSession();
  assert.equal((await session.form("/generator", { prompt: "sea" })).status, 303);
  const refused = await session.form("/generator", { prompt: "a second sea" });
  assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [429, "60"]);
  const page = await refused.text();
  assert.match(page, />a second sea<\/textarea>/);
  assert.match(page, /role="alert">Too many requests</);
  const part = await session.form("/generator", { prompt: "a third sea" }, fragment);
  assert.deepEqual([part.status, part.headers.get("Retry-After")], [429, "60"]);
  assert.match(await part.text(), /^<p class="error" role="alert">Too many requests<\/p>$/);
});

Deno.test("every form of a page that is refused is shown on its page, or as a fragment alone", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const member = await studio.addMember();
  const forms: [path: string, fields: Record<string, string>, words: string][] = [
    ["/generator", { prompt: "" }, "Prompt is required and must be a non-empty string"],
    ["/profile", { name: "" }, "Your name can&#39;t be empty"],
    ["/profile", {}, "Your name can&#39;t be empty"],
    ["/profile/keys", { name: "laptop", scope: "most" }, "A key&#39;s scope is one of read, generate, all"],
    ["/profile/keys", { name: "laptop", scope: "all", expires: "soon" }, "A key expires on a day to come"],
    ["/profile/delete", {}, "Type delete to confirm"],
    ["/admin/invitations", {}, "A name has 1 to 100 characters"],
    ["/admin/prices", { model: "stand-in", size: "*", cost: "much" }, "An amount is dollars such as"],
    [`/admin/users/${member.id}`, { role: "king", monthlyBudget: "" }, "Choose a role"],
    [`/admin/users/${member.id}`, { role: "member" }, "A budget is an amount such as"],
    [`/admin/spend/${member.id}`, { billed: "0.01", note: " " }, "Say in a few words how you know"],
    [`/admin/spend/${member.id}`, { billed: "0.01" }, "Say in a few words how you know"],
  ];
  for (const [path, fields, words] of forms) {
    const page = await session.form(path, fields);
    const text = await page.text();
    assert.equal(page.status, 400, path);
    assert.match(text, /<main id="main"/, path);
    assert.ok(text.includes(words), `${path}: ${words}`);
    const part = await session.form(path, fields, fragment);
    assert.deepEqual([part.status, part.headers.get("Vary")], [400, "HX-Request-Type"], path);
    const partText = await part.text();
    assert.ok(partText.startsWith(`<p class="error" role="alert">${words}`), `${path}: ${partText}`);
  }
});

Deno.test("what is not there, and who is not signed in, is no problem of a form", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const gone = await session.form(`/admin/users/${studio.store.ids()}`, {
    role: "member",
    monthlyBudget: "",
  });
  assert.equal(gone.status, 404);
  assert.doesNotMatch(await gone.text(), /<form method="post" action="\/admin\/users/);
  const nobody = await studio.fetch("/profile", { method: "POST", body: new URLSearchParams({ name: "" }) });
  assert.deepEqual([nobody.status, nobody.headers.get("Location")], [303, "/login"]);
});
