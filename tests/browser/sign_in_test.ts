import assert from "node:assert/strict";
import { join } from "node:path";
import axe from "axe-core";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { browserTest, openVisitor, signOut, type Visitor } from "../fixtures/browser.ts";
import {
  type CertifiedProvider,
  signInThere,
  startCertifiedProvider,
} from "../fixtures/certified_provider.ts";
import { type Server, startServer, temporaryFolder } from "../fixtures/server.ts";

/** The provider's own pages ask for a font elsewhere. */
async function openGuest(server: Server): Promise<Visitor> {
  const visitor = await openVisitor(server.url);
  await visitor.context.route("https://fonts.googleapis.com/**", (route) => route.abort());
  return visitor;
}

/** Complaints about Darkroom; what the provider's pages do is not ours to judge. */
function ownComplaints({ complaints }: Visitor, provider: CertifiedProvider): string[] {
  const others = [
    provider.env.OIDC_ISSUER,
    "fonts.googleapis.com",
    "net::ERR_FAILED",
    "autocomplete attributes",
  ];
  return complaints.filter((line) => !others.some((other) => line.includes(other)));
}

/** By name, without the port of the server at its end. */
async function cookiesOf(context: BrowserContext, url: string): Promise<Record<string, string>> {
  const cookies = await context.cookies(url);
  return Object.fromEntries(cookies.map(({ name, value }) => [name.replace(/-\d+$/, ""), value]));
}

/** Everything in a folder, as text in which bytes stand for themselves. */
async function readFolder(path: string): Promise<string> {
  const texts: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(path)) {
    const inside = join(path, name);
    if (isDirectory) texts.push(await readFolder(inside));
    if (isFile) texts.push(new TextDecoder("latin1").decode(await Deno.readFile(inside)));
  }
  return texts.join("\n");
}

async function checkPage(page: Page, name: string): Promise<void> {
  for (const width of [1280, 360]) {
    for (const colorScheme of ["dark", "light"] as const) {
      await page.setViewportSize({ width, height: 860 });
      await page.emulateMedia({ colorScheme });
      const violations = await page.evaluate(`${axe.source}; axe.run()`).then((result) =>
        (result as { violations: { id: string; nodes: { html: string }[] }[] }).violations
      );
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
      assert.deepEqual(found, [], `${name} at ${width} px, ${colorScheme}`);
      const wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      assert.equal(await page.evaluate(wide), 0, `${name} scrolls sideways at ${width} px`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}

browserTest("a certified provider signs people in, and what they typed before is still there", async () => {
  await using folder = await temporaryFolder();
  await using provider = await startCertifiedProvider();
  await using server = await startServer({
    dataDir: folder.path,
    env: { ...provider.env, ADMIN_EMAILS: "ada@example.org,eve@example.org" },
  });
  assert.equal(server.signInUrl, `${server.url}/login`, "the second ready line names the sign-in page");
  await using ada = await openGuest(server);
  const { page, context } = ada;

  await page.goto(server.url);
  await page.fill("textarea[name=prompt]", "a lighthouse at dusk, “calm” & cold");
  await page.getByRole("button", { name: "Sign in and generate" }).click();
  await page.getByRole("link", { name: "Continue with Example" }).click();
  await page.getByText("Example does not answer").waitFor();

  provider.open(server);
  await page.getByRole("link", { name: "Continue with Example" }).click();
  await page.waitForURL(`${provider.env.OIDC_ISSUER}/**`);
  const { "darkroom-sign-in": attempt } = await cookiesOf(context, server.url);
  await signInThere(page, "ada");
  await page.waitForURL(`${server.url}/generator**`);
  assert.equal(await page.inputValue("#prompt"), "a lighthouse at dusk, “calm” & cold");
  const { darkroom: session, ...others } = await cookiesOf(context, server.url);
  assert.equal(others["darkroom-sign-in"], undefined, "the cookie of the attempt is gone");
  await page.click("#generate");
  await page.locator('article.card[data-status="COMPLETED"]').waitFor();
  assert.equal((await page.goto(`${server.url}/admin/invitations`))?.status(), 200);

  await signOut(page);
  await page.goto(`${server.url}/login?return_to=/prompts`);
  await page.getByRole("link", { name: "Continue with Example" }).click();
  await page.waitForURL(`${server.url}/prompts`);
  await page.locator("text=a lighthouse at dusk").first().waitFor();
  assert.notEqual((await cookiesOf(context, server.url)).darkroom, session);
  assert.deepEqual(ownComplaints(ada, provider), []);

  await using eve = await openGuest(server);
  await eve.page.goto(`${server.url}/login`);
  await eve.page.getByRole("link", { name: "Continue with Example" }).click();
  await eve.page.getByRole("link", { name: "Cancel" }).click();
  await eve.page.getByText("You did not finish signing in at Example").waitFor();
  await eve.page.getByRole("link", { name: "Continue with Example" }).click();
  await signInThere(eve.page, "eve");
  await eve.page.waitForURL(`${server.url}/generator`);
  const admin = await eve.page.goto(`${server.url}/admin/invitations`);
  assert.equal(admin?.status(), 404, "an address that nobody verified makes no admin");

  await server.end("SIGTERM");
  const kept = await readFolder(folder.path) + server.log.join("\n");
  assert.ok(kept.includes("ada@example.org"), "it was read");
  for (const secret of [attempt, session]) {
    assert.ok(secret.length === 43 && !kept.includes(secret), "nothing that signs in is kept in clear");
  }
});

async function addAuthenticator(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}

browserTest("without any provider a member joins by invitation, and comes back with a passkey", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using owner = await openVisitor(server.url, { bypassCSP: true });
  await using guest = await openVisitor(server.url, { bypassCSP: true });
  const code = new URL(server.signInUrl).searchParams.get("code")!;

  await owner.page.goto(server.signInUrl);
  await owner.page.goto(`${server.url}/admin/invitations`);
  await owner.page.getByLabel("Whom do you invite?").fill("Bob");
  await owner.page.getByRole("button", { name: "Make a link" }).click();
  const link = (await owner.page.locator("#invitation-link").textContent())!;
  await checkPage(owner.page, "/admin/invitations");

  const { page, context, complaints } = guest;
  await page.goto(link);
  await checkPage(page, "/join");
  await page.getByLabel("Your name").fill("Bob");
  await page.getByRole("button", { name: "Join" }).click();
  await page.waitForURL(`${server.url}/profile/passkeys`);
  const { darkroom: joined } = await cookiesOf(context, server.url);

  const { cdp, authenticatorId } = await addAuthenticator(page);
  await page.getByLabel("What is it called?").fill("Bob's laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("never used").waitFor();
  await checkPage(page, "/profile/passkeys");
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  assert.deepEqual(credentials.map(({ rpId }) => rpId), ["localhost"]);

  await page.getByLabel("What is it called?").fill("The same again");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("This device has a passkey for you already.").waitFor();

  await signOut(page);
  await page.goto(`${server.url}/login?return_to=/gallery`);
  await checkPage(page, "/login");
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.getByRole("button", { name: "Continue with a passkey" }).click();
  await page.getByText("No passkey was used.").waitFor();
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await page.getByRole("button", { name: "Continue with a passkey" }).click();
  await page.waitForURL(`${server.url}/gallery`);
  const { darkroom: session } = await cookiesOf(context, server.url);
  const me = await (await page.request.get(`${server.url}/api/v1/me`)).json();
  assert.deepEqual([me.user.name, me.user.role], ["Bob", "member"]);
  await page.goto(`${server.url}/profile/passkeys`);
  await page.getByText("Bob's laptop").first().waitFor();
  assert.equal(await page.getByText("never used").count(), 0);

  await page.getByText("Remove").first().click();
  await page.getByRole("button", { name: "Remove Bob's laptop" }).click();
  await page.getByText("None yet").waitFor();
  await signOut(page);
  await page.getByRole("button", { name: "Continue with a passkey" }).click();
  await page.getByText("This passkey is not known here").waitFor();
  assert.equal((await cookiesOf(context, server.url)).darkroom, undefined);
  const refusal = "Failed to load resource: the server responded with a status of 401 (Unauthorized)";
  assert.deepEqual(complaints.map((line) => line.slice(0, line.lastIndexOf(" ("))), [`error: ${refusal}`]);

  await server.end("SIGTERM");
  const kept = await readFolder(folder.path) + server.log.join("\n");
  assert.ok(kept.includes("Bob"), "it was read");
  const invitation = new URL(link).searchParams.get("code")!;
  for (const secret of [code, invitation, joined, session]) {
    assert.ok(secret.length === 43 && !kept.includes(secret), "nothing that signs in is kept in clear");
  }
});

browserTest("where a browser has no passkeys, or no scripts, the sign-in page says so", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  await using plain = await openVisitor(server.url, { javaScriptEnabled: false });
  await plain.page.goto(`${server.url}/login`);
  assert.match(await plain.page.content(), /Passkeys need JavaScript/);
  assert.equal(await plain.page.getByRole("button", { name: "Continue with a passkey" }).isVisible(), false);

  await using old = await openVisitor(server.url);
  await old.context.addInitScript("delete globalThis.PublicKeyCredential");
  await old.page.goto(`${server.url}/login`);
  await old.page.getByText("This browser offers no passkeys here.").waitFor();
  assert.equal(await old.page.getByRole("button", { name: "Continue with a passkey" }).isVisible(), false);

  await using elsewhere = await openVisitor(server.url.replace("localhost", "127.0.0.1"));
  await elsewhere.page.goto(`${server.url.replace("localhost", "127.0.0.1")}/login`);
  await elsewhere.page.getByRole("button", { name: "Continue with a passkey" }).click();
  await elsewhere.page.getByText("Passkeys belong to one address.").waitFor();
});
