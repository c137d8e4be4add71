import assert from "node:assert/strict";
import { begin, comeBack, passProvider, providerFor } from "../../fixtures/provider_sign_in.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { startIdentityProvider } from "../../stand_ins/identity_provider.ts";

Deno.test("the sign-in page shows the ways that are configured, and leads on to where the person was going", async () => {
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({
    identityProviders: [
      providerFor(provider, { id: "google", name: "Google" }),
      providerFor(provider, { name: "<b>Example & Co" }),
    ],
  });
  const page = await (await studio.fetch("/login?return_to=%2Fgallery%3Fq%3Dsea")).text();
  assert.match(page, /href="\/login\/google\?return_to=%2Fgallery%3Fq%3Dsea">Continue with Google</);
  assert.match(
    page,
    /href="\/login\/oidc\?return_to=%2Fgallery%3Fq%3Dsea">Continue with &lt;b&gt;Example &amp; Co</,
  );
  assert.match(page, /deno task login/);
  assert.deepEqual(provider.requests, [], "nobody has begun to sign in yet");
});

Deno.test("a way that is not configured is not there", async () => {
  await using studio = await createStudio();
  const page = await (await studio.fetch("/login")).text();
  assert.doesNotMatch(page, /href="\/login\/(google|oidc)/);
  for (const path of ["/login/google", "/login/oidc/callback?code=x&state=x", "/login/constructor"]) {
    assert.equal((await studio.fetch(path)).status, 404, path);
  }
});

Deno.test("what went wrong is said in Darkroom's own words", async () => {
  await using studio = await createStudio();
  const page = async (query: string) => await (await studio.fetch(`/login?${query}`)).text();
  assert.match(await page("problem=no_answer&provider=oidc"), /The provider does not answer/);
  for (const query of ["problem=toString", "problem=__proto__", "problem=<b>x", "problem="]) {
    assert.doesNotMatch(await page(query), /class="error" role="alert">[^<]/, query);
  }
});

Deno.test("a prompt sent after the session ended is in the form once signed in again", async () => {
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({ identityProviders: [providerFor(provider)], isWorking: false });
  const prompt = 'a "lighthouse" & a sea\nof <sand>, 灯台';
  const fields = { requestKey: "key", prompt, imageSize: "768x768", count: "2", seed: "7", watermark: "" };
  const headers = { Cookie: "darkroom=ended", Origin: "http://localhost:8000" };
  const sent = await studio.fetch("/generator", {
    method: "POST",
    headers,
    body: new URLSearchParams(fields),
  });
  assert.equal(sent.status, 303);
  const login = await (await studio.fetch(sent.headers.get("Location")!)).text();
  const way = /href="(\/login\/oidc[^"]+)"/.exec(login)![1].replaceAll("&amp;", "&");
  const begun = await begin(studio, way);
  const ended = await comeBack(studio, await passProvider(begun), begun.cookie);
  const page = await (await studio.fetch(ended.location, { headers: { Cookie: ended.session! } })).text();
  assert.match(page, />a &quot;lighthouse&quot; &amp; a sea\nof &lt;sand&gt;, 灯台<\/textarea>/);
  assert.match(page, /value="768x768" checked/);
  assert.match(page, /name="count" value="2" checked/);
  assert.match(page, /name="seed"[^>]*value="7"/);
  const { pagination } = await (await (await studio.withKey()).get("/api/v1/prompts")).json();
  assert.equal(pagination.total, 0, "nothing is submitted by signing in");
});

Deno.test("sent by script, the same form is led to the sign-in page as a whole", async () => {
  await using studio = await createStudio();
  const answer = await studio.fetch("/generator", {
    method: "POST",
    headers: { "HX-Request": "true", "HX-Request-Type": "partial" },
    body: new URLSearchParams({ prompt: "sea" }),
  });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("HX-Redirect"), "/login?return_to=%2Fgenerator%3Fprompt%3Dsea");
});

Deno.test("a prompt typed on the front page is asked for at the generator", async () => {
  await using studio = await createStudio();
  const page = await (await studio.fetch("/")).text();
  assert.match(page, /<form[^>]*method="get" action="\/generator"/);
  assert.match(page, /<textarea[^>]*name="prompt"/);
  const asked = await studio.fetch("/generator?prompt=a+quiet+sea");
  assert.equal(asked.headers.get("Location"), "/login?return_to=%2Fgenerator%3Fprompt%3Da%2Bquiet%2Bsea");
});
