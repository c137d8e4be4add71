/**
 * Passkeys (WebAuthn): a key pair in a person's device, of which the server knows the public half. Each signs a
 * challenge that works once, for this site's address alone, after the device has made sure who holds it; so a passkey
 * signs in by itself, without a name or password.
 */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { isIP } from "node:net";
import { z } from "zod";
import { randomToken, sha256 } from "../digest.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { problemWords } from "./sign_in_problem.ts";
import { commit, read, readMany, type Store } from "../store/store.ts";
import { checkAccount, readUser, type User } from "../users/user.ts";

export interface Passkey {
  id: string;
  userId: string;
  /** What the person calls it. */
  name: string;
  /** The device's own name for it, base64url. */
  credentialId: string;
  publicKey: Uint8Array<ArrayBuffer>;
  /** How often the device has signed, as it says; it only grows. 0: this one does not count. */
  counter: number;
  transports: string[];
  createdAt: number;
  lastUsedAt: number | null;
}

/** A challenge that was given out. */
interface PasskeyChallenge {
  /** Whose new passkey is to sign it; null: whoever signs in. */
  userId: string | null;
  expiresAt: number;
}

export interface Passkeys {
  /** False where browsers offer none: passkeys need https or localhost, and a name instead of an IP address. */
  readonly isAvailable: boolean;
  beginRegistration(user: User): Promise<PublicKeyCredentialCreationOptionsJSON>;
  /** Refuses with `invalid_request` what the device did not sign as asked. */
  register(user: User, input: { name: string; response: unknown }): Promise<Passkey>;
  beginSignIn(): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Whose passkey has signed. Refuses with `unauthorized`, and with `forbidden` somebody disabled. */
  signIn(response: unknown): Promise<User>;
}

const challengeLifeMs = 5 * 60 * 1000;
const mostPerUser = 20;
const maxNameChars = 100;

const Base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const credential = {
  id: Base64url.max(1400),
  rawId: Base64url.max(1400),
  type: z.literal("public-key"),
};

const RegistrationResponse = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: Base64url,
    attestationObject: Base64url,
    transports: z.array(z.string().max(32)).max(10).default([]),
  }),
});

const AuthenticationResponse = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: Base64url,
    authenticatorData: Base64url,
    signature: Base64url,
    userHandle: Base64url.optional(),
  }),
});

/** Loaded when first needed: it takes half as long as all the rest of a start. */
const webAuthn = () => import("@simplewebauthn/server");
const webAuthnHelpers = () => import("@simplewebauthn/server/helpers");

export function createPasskeys({ store, publicUrl }: { store: Store; publicUrl: string }): Passkeys {
  const { hostname: rpId, origin, protocol } = new URL(publicUrl);
  const isAvailable = (protocol === "https:" || rpId === "localhost") &&
    isIP(rpId.replace(/[[\]]/g, "")) === 0;

  async function giveChallenge(userId: string | null): Promise<Uint8Array<ArrayBuffer>> {
    const challenge = randomToken();
    const key = keys.passkeyChallenge(sha256(challenge));
    const value: PasskeyChallenge = { userId, expiresAt: store.now() + challengeLifeMs };
    await commit(store.kv.atomic().set(key, value, { expireIn: challengeLifeMs }));
    return Uint8Array.fromBase64(challenge, { alphabet: "base64url" });
  }

  /** Uses it up; false where it was never given out for this, was used, or is too old. */
  async function takeChallenge(challenge: string, userId: string | null): Promise<boolean> {
    const key = keys.passkeyChallenge(sha256(challenge));
    const found = await read<PasskeyChallenge>(store.kv, key);
    if (found === null || found.value.userId !== userId) return false;
    const { value, versionstamp } = found;
    const taken = await commit(store.kv.atomic().check({ key, versionstamp }).delete(key));
    return taken !== null && value.expiresAt > store.now();
  }

  return {
    isAvailable,
    async beginRegistration(user) {
      const known = await listPasskeys(store, user.id);
      if (known.length >= mostPerUser) throw new Refusal("conflict", `${mostPerUser} passkeys are the most`);
      const { generateRegistrationOptions } = await webAuthn();
      return await generateRegistrationOptions({
        rpName: "Darkroom",
        rpID: rpId,
        userName: user.email ?? user.name,
        userDisplayName: user.name,
        userID: new TextEncoder().encode(user.id),
        challenge: await giveChallenge(user.id),
        timeout: challengeLifeMs,
        attestationType: "none",
        excludeCredentials: known.map(({ credentialId: id, transports }) => ({ id, transports })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
      });
    },
    async register(user, input) {
      const name = checkName(input.name);
      const response = RegistrationResponse.safeParse(input.response).data;
      if (response === undefined) throw notSigned();
      const { verifyRegistrationResponse } = await webAuthn();
      const { verified, registrationInfo } = await orRefusal(notSigned, async () => {
        await demandPlainAttestation(response.response.attestationObject);
        return await verifyRegistrationResponse({
          response: { ...response, clientExtensionResults: {} } as RegistrationResponseJSON,
          expectedChallenge: (challenge) => takeChallenge(challenge, user.id),
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
        });
      });
      if (!verified) throw notSigned();
      const passkey: Passkey = {
        id: store.ids(),
        userId: user.id,
        name,
        credentialId: registrationInfo.credential.id,
        publicKey: registrationInfo.credential.publicKey,
        counter: registrationInfo.credential.counter,
        transports: response.response.transports,
        createdAt: store.now(),
        lastUsedAt: null,
      };
      const key = keys.passkey(passkey.credentialId);
      const atomic = checkAccount(store.kv.atomic(), user.id)
        .check({ key, versionstamp: null }).set(key, passkey)
        .set(keys.passkeyOf(user.id, passkey.credentialId), null);
      if (await commit(atomic) === null) throw new Refusal("conflict", "This passkey is known already");
      return passkey;
    },
    async beginSignIn() {
      const { generateAuthenticationOptions } = await webAuthn();
      return await generateAuthenticationOptions({
        rpID: rpId,
        challenge: await giveChallenge(null),
        timeout: challengeLifeMs,
        userVerification: "required",
      });
    },
    async signIn(input) {
      const response = AuthenticationResponse.safeParse(input).data;
      const found = response && await read<Passkey>(store.kv, keys.passkey(response.id));
      if (!found) throw notKnown();
      const { value: passkey, versionstamp } = found;
      const { verifyAuthenticationResponse } = await webAuthn();
      const { verified, authenticationInfo } = await orRefusal(notKnown, () =>
        verifyAuthenticationResponse({
          response: { ...response, clientExtensionResults: {} } as AuthenticationResponseJSON,
          expectedChallenge: (challenge) => takeChallenge(challenge, null),
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
          credential: {
            id: passkey.credentialId,
            publicKey: passkey.publicKey,
            counter: passkey.counter,
            transports: passkey.transports,
          },
        }));
      const userHandle = new TextEncoder().encode(passkey.userId).toBase64({
        alphabet: "base64url",
        omitPadding: true,
      });
      if (!verified || response.response.userHandle !== userHandle) throw notKnown();
      const used: Passkey = { ...passkey, counter: authenticationInfo.newCounter, lastUsedAt: store.now() };
      const key = keys.passkey(passkey.credentialId);
      const written = await commit(store.kv.atomic().check({ key, versionstamp }).set(key, used));
      if (written === null) throw notKnown();
      const user = await readUser(store, passkey.userId);
      if (user === null) throw notKnown();
      if (user.value.isDisabled) throw new Refusal("forbidden", problemWords("disabled")!);
      return user.value;
    },
  };
}

/** The user's passkeys, the oldest first. */
export async function listPasskeys(store: Store, userId: string): Promise<Passkey[]> {
  const ids = await Array.fromAsync(
    store.kv.list({ prefix: keys.passkeysOf(userId) }),
    ({ key }) => String(key[2]),
  );
  const found = await readMany<Passkey>(store.kv, ids.map(keys.passkey));
  return found.flatMap((passkey) => passkey === null ? [] : [passkey.value])
    .sort((a, b) => a.id < b.id ? -1 : 1);
}

/** Refuses with `not_found` what is not one of the user's passkeys. */
export async function removePasskey(
  store: Store,
  { userId, passkeyId }: { userId: string; passkeyId: string },
): Promise<void> {
  const passkey = (await listPasskeys(store, userId)).find(({ id }) => id === passkeyId);
  if (passkey === undefined) throw notFound();
  const { credentialId } = passkey;
  await commit(
    store.kv.atomic().delete(keys.passkey(credentialId)).delete(keys.passkeyOf(userId, credentialId)),
  );
}

/**
 * No maker's certificate was asked for, and none is looked at: checking one means asking addresses that are written
 * in it.
 */
async function demandPlainAttestation(attestationObject: string): Promise<void> {
  const { decodeAttestationObject } = await webAuthnHelpers();
  const attestation = decodeAttestationObject(
    Uint8Array.fromBase64(attestationObject, { alphabet: "base64url" }),
  );
  const isPlain = attestation.get("fmt") === "none" ||
    (attestation.get("fmt") === "packed" && attestation.get("attStmt").get("x5c") === undefined);
  if (!isPlain) throw new Error("an attestation that was not asked for");
}

function checkName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= maxNameChars) return name;
  throw new Refusal("invalid_request", `A passkey's name has 1 to ${maxNameChars} characters`, {
    field: "name",
  });
}

const notSigned = (cause?: unknown) =>
  new Refusal("invalid_request", "The passkey could not be checked, or it took too long. Try again.", {
    cause,
  });

const notKnown = (cause?: unknown) =>
  new Refusal("unauthorized", "This passkey is not known here, or it took too long. Try again.", { cause });

/** The library throws plain errors for whatever it does not accept; what the database refuses stays as it is. */
async function orRefusal<T>(refusal: (cause: unknown) => Refusal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Refusal ? error : refusal(error);
  }
}
