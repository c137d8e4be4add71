import assert from "node:assert/strict";
import { createPasskeys, listPasskeys, removePasskey } from "../../../lib/identity/passkey.ts";
import { keys } from "../../../lib/store/schema.ts";
import type { User } from "../../../lib/users/user.ts";
import { type Authenticator, createAuthenticator, type Signing } from "../../fixtures/authenticator.ts";
import { createTestStore, createTestUser, dump, type TestStore } from "../../fixtures/store.ts";

const publicUrl = "http://localhost:8000";
type Bent = Partial<Signing>;

async function withPasskey(
  run: (parts: {
    store: TestStore;
    user: User;
    device: Authenticator;
    passkeys: ReturnType<typeof createPasskeys>;
    /** One whole sign-in. */
    signIn: (bent?: Bent) => Promise<User>;
  }) => Promise<void>,
): Promise<void> {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const device = await createAuthenticator();
  const passkeys = createPasskeys({ store, publicUrl });
  const { challenge } = await passkeys.beginRegistration(user);
  await passkeys.register(user, { name: " Laptop ", response: await device.register({ challenge }) });
  const signIn = async (bent: Bent = {}) => {
    const { challenge } = await passkeys.beginSignIn();
    return await passkeys.signIn(await device.signIn({ challenge, userHandle: user.id, ...bent }));
  };
  await run({ store, user, device, passkeys, signIn });
}

Deno.test("a passkey that was added signs its user in, and says when", () =>
  withPasskey(async ({ store, user, signIn }) => {
    store.clock.advance(1000);
    assert.deepEqual(await signIn(), user);
    assert.deepEqual(await signIn(), user);
    const [passkey, ...others] = await listPasskeys(store, user.id);
    assert.deepEqual(others, []);
    assert.deepEqual([passkey.name, passkey.counter, passkey.transports], ["Laptop", 3, ["internal"]]);
    assert.deepEqual(passkey.lastUsedAt, store.now());
  }));

const wrong: [name: string, bent: Bent][] = [
  ["another site", { origin: "https://evil.example" }],
  ["another port of this machine", { origin: "http://localhost:8001" }],
  ["another site's key", { rpId: "evil.example" }],
  ["nobody there", { isPresent: false }],
  ["nobody verified", { isVerified: false }],
  ["a challenge of its own", { challenge: "x".repeat(43) }],
  ["the other ceremony", { type: "webauthn.payment" }],
];

for (const [name, bent] of wrong) {
  Deno.test(`${name}: the device's signature is not taken, to add or to sign in`, () =>
    withPasskey(async ({ store, passkeys, signIn }) => {
      await assert.rejects(signIn(bent), { code: "unauthorized" });
      const other = await createTestUser(store);
      const { challenge } = await passkeys.beginRegistration(other);
      const response = await (await createAuthenticator()).register({ challenge, ...bent });
      await assert.rejects(passkeys.register(other, { name: "x", response }), { code: "invalid_request" });
      assert.deepEqual(await listPasskeys(store, other.id), []);
    }));
}

Deno.test("a challenge works once, for five minutes, for what it was given out for", () =>
  withPasskey(async ({ store, user, device, passkeys }) => {
    const sign = async (challenge: string) =>
      passkeys.signIn(await device.signIn({ challenge, userHandle: user.id }));
    const { challenge } = await passkeys.beginSignIn();
    assert.deepEqual(await sign(challenge), user);
    await assert.rejects(sign(challenge), { code: "unauthorized" });

    const late = await passkeys.beginSignIn();
    store.clock.advance(5 * 60_000);
    await assert.rejects(sign(late.challenge), { code: "unauthorized" });

    const registering = await passkeys.beginRegistration(user);
    await assert.rejects(sign(registering.challenge), { code: "unauthorized" });

    const mallory = await createTestUser(store);
    const response = await (await createAuthenticator()).register({ challenge: registering.challenge });
    await assert.rejects(passkeys.register(mallory, { name: "x", response }), { code: "invalid_request" });
  }));

Deno.test("twenty answers to one challenge at the same moment sign in once", () =>
  withPasskey(async ({ user, device, passkeys }) => {
    const { challenge } = await passkeys.beginSignIn();
    const response = await device.signIn({ challenge, userHandle: user.id });
    const ends = await Promise.allSettled(Array.from({ length: 20 }, () => passkeys.signIn(response)));
    assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 1);
  }));

Deno.test("a counter that does not grow tells of a copy", () =>
  withPasskey(async ({ signIn }) => {
    await signIn({ counter: 10 });
    await assert.rejects(signIn({ counter: 10 }), { code: "unauthorized" });
    await assert.rejects(signIn({ counter: 9 }), { code: "unauthorized" });
    await signIn({ counter: 11 });
  }));

Deno.test("a signature by another device under this one's name is nothing", () =>
  withPasskey(async ({ user, device, passkeys, store }) => {
    const other = await createAuthenticator();
    const { challenge } = await passkeys.beginSignIn();
    const forged = {
      ...await other.signIn({ challenge, userHandle: user.id }) as object,
      id: device.credentialId,
    };
    await assert.rejects(passkeys.signIn(forged), { code: "unauthorized" });
    const unknown = await other.signIn({
      challenge: (await passkeys.beginSignIn()).challenge,
      userHandle: user.id,
    });
    await assert.rejects(passkeys.signIn(unknown), { code: "unauthorized" });
    const mallory = await createTestUser(store);
    const again = await passkeys.beginSignIn();
    const misnamed = await device.signIn({ challenge: again.challenge, userHandle: mallory.id });
    await assert.rejects(passkeys.signIn(misnamed), { code: "unauthorized" });
  }));

Deno.test("one device's passkey belongs to one person", () =>
  withPasskey(async ({ user, device, passkeys, store }) => {
    const mallory = await createTestUser(store);
    const { challenge } = await passkeys.beginRegistration(mallory);
    const response = await device.register({ challenge });
    await assert.rejects(passkeys.register(mallory, { name: "x", response }), { code: "conflict" });
    assert.equal((await listPasskeys(store, user.id)).length, 1);
    const { excludeCredentials } = await passkeys.beginRegistration(user);
    assert.deepEqual(excludeCredentials?.map(({ id }) => id), [device.credentialId]);
  }));

Deno.test("a maker's certificate was not asked for and is not looked at", () =>
  withPasskey(async ({ user, passkeys }) => {
    const { challenge } = await passkeys.beginRegistration(user);
    const statement = new Map<string, unknown>([["x5c", [new Uint8Array(8)]], ["sig", new Uint8Array(8)]]);
    for (const format of ["packed", "fido-u2f", "tpm", "android-key", "apple"]) {
      const response = await (await createAuthenticator()).register({ challenge, format, statement });
      const refused = await passkeys.register(user, { name: "x", response }).catch((error) => error);
      assert.equal(refused.code, "invalid_request");
      assert.match(refused.cause.message, /was not asked for/, "it is refused before it is looked at");
    }
  }));

Deno.test("what is no answer of a device is refused", () =>
  withPasskey(async ({ user, device, passkeys }) => {
    const { challenge } = await passkeys.beginSignIn();
    const good = await device.signIn({ challenge, userHandle: user.id }) as { response: object };
    const answers = [null, 1, "x", [], {}, { ...good, response: {} }, { ...good, id: "" }, {
      ...good,
      id: "=",
    }, {
      ...good,
      response: { ...good.response, authenticatorData: "AA" },
    }, { ...good, response: { ...good.response, clientDataJSON: "e30" } }];
    for (const answer of answers) {
      await assert.rejects(passkeys.signIn(answer), { code: "unauthorized" });
      await assert.rejects(passkeys.register(user, { name: "x", response: answer }), {
        code: "invalid_request",
      });
    }
    for (const name of ["", " ", "x".repeat(101)]) {
      await assert.rejects(passkeys.register(user, { name, response: good }), { field: "name" });
    }
  }));

Deno.test("a removed passkey signs nobody in; only its owner can remove it", () =>
  withPasskey(async ({ store, user, signIn }) => {
    const mallory = await createTestUser(store);
    const [{ id: passkeyId }] = await listPasskeys(store, user.id);
    await assert.rejects(removePasskey(store, { userId: mallory.id, passkeyId }), { code: "not_found" });
    await signIn();
    await removePasskey(store, { userId: user.id, passkeyId });
    await assert.rejects(signIn(), { code: "unauthorized" });
    assert.deepEqual(await listPasskeys(store, user.id), []);
    await assert.rejects(removePasskey(store, { userId: user.id, passkeyId }), { code: "not_found" });
  }));

Deno.test("a disabled user's passkey does not sign in", () =>
  withPasskey(async ({ store, user, signIn }) => {
    await store.kv.set(keys.user(user.id), { ...user, isDisabled: true });
    await assert.rejects(signIn(), { code: "forbidden", message: /disabled/ });
  }));

Deno.test("nothing that was given out can be read in the store", () =>
  withPasskey(async ({ store, user, passkeys }) => {
    const challenges = [await passkeys.beginSignIn(), await passkeys.beginRegistration(user)];
    const stored = JSON.stringify(await dump(store));
    assert.match(stored, /passkey_challenge/);
    for (const { challenge } of challenges) assert.ok(!stored.includes(challenge));
  }));

Deno.test("passkeys are there where browsers have them: https or localhost, and no IP address", async () => {
  using store = await createTestStore();
  const cases: [publicUrl: string, isAvailable: boolean][] = [
    ["http://localhost:8000", true],
    ["https://darkroom.example", true],
    ["http://darkroom.example", false],
    ["http://127.0.0.1:8000", false],
    ["https://192.0.2.1", false],
    ["https://[2001:db8::1]", false],
  ];
  for (const [publicUrl, isAvailable] of cases) {
    assert.equal(createPasskeys({ store, publicUrl }).isAvailable, isAvailable, publicUrl);
  }
  const { rpId } = await createPasskeys({ store, publicUrl: "https://darkroom.example:8443" }).beginSignIn();
  assert.equal(rpId, "darkroom.example");
});
