/**
 * The keys that sign JSON web tokens (Ed25519). One signs for thirty days and is published for as long as a token of
 * it may live. Private halves are encrypted with the server's secret; under another secret they are gone, together
 * with the tokens that they signed. All nodes sign with the newest: a new one is made under a check of the head of all
 * keys, and whoever meets one that they don't know reads them again.
 */
import {
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { createSeal } from "../seal.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";

/** As it is stored. */
export interface SigningKey {
  kid: string;
  publicJwk: JWK;
  /** A JWE of the private JWK. */
  sealed: string;
  createdAt: number;
}

interface OpenKey {
  kid: string;
  publicJwk: JWK;
  publicKey: CryptoKey;
  privateKey: CryptoKey;
  createdAt: number;
}

export interface SigningKeys {
  /** The one to sign with. */
  current(): Promise<{ kid: string; privateKey: CryptoKey }>;
  /** Null: there is no such key (any more). */
  find(kid: string | undefined): Promise<CryptoKey | null>;
  /** RFC 7517. */
  published(): Promise<JSONWebKeySet>;
}

export const algorithm = "EdDSA";
const signsForMs = 30 * 24 * 3600 * 1000;
/** Tokens that name made-up keys cost no more reading than that. */
const readAgainAfterMs = 5000;
const publishedForMs = signsForMs + 3600 * 1000;

export function createSigningKeys({ store, secret }: { store: Store; secret: string }): SigningKeys {
  const sealing = createSeal({ secret, purpose: "signing keys" });
  let loading: Promise<OpenKey[]> | null = null;
  let readAt = -Infinity;

  /** The newest first, and at least one that signs. Whoever asks meanwhile waits for the same. */
  async function load(): Promise<OpenKey[]> {
    try {
      const known = await (loading ??= renew());
      return signs(known[0]) ? known : await (loading = renew());
    } catch (error) {
      loading = null;
      throw error;
    }
  }

  /** The same, with what other nodes made since, unless that was looked for just now. */
  async function loadAgain(): Promise<OpenKey[]> {
    if (Math.abs(store.monotonic() - readAt) >= readAgainAfterMs) loading = null;
    return await load();
  }

  async function renew(): Promise<OpenKey[]> {
    readAt = store.monotonic();
    while (true) {
      // Before the keys themselves: what is made in between is found, or makes the check fail.
      const head = await store.kv.get(keys.signingKeyHead());
      const found = await readAll();
      if (found.length > 0 && signs(found[0])) return found;
      const key = await createKey();
      const kept = found.filter(isPublished);
      const atomic = store.kv.atomic().check(head).set(keys.signingKeyHead(), key.kid)
        .set(keys.signingKey(key.kid), await seal(key));
      for (const { kid } of found.filter((each) => !isPublished(each))) atomic.delete(keys.signingKey(kid));
      if (await commit(atomic) !== null) return [key, ...kept];
    }
  }

  const signs = (key: OpenKey) => Math.abs(store.now() - key.createdAt) < signsForMs;
  const isPublished = (key: OpenKey) => store.now() - key.createdAt < publishedForMs;

  async function readAll(): Promise<OpenKey[]> {
    const entries = await Array.fromAsync(store.kv.list<SigningKey>({ prefix: [...kinds.signingKeys] }));
    const opened = await Promise.all(entries.map(({ value }) => unseal(value)));
    return opened.filter((key) => key !== null).sort((a, b) => b.createdAt - a.createdAt);
  }

  async function createKey(): Promise<OpenKey> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    const publicJwk = { ...jwk, kid, alg: algorithm, use: "sig" };
    return { kid, publicJwk, publicKey, privateKey, createdAt: store.now() };
  }

  async function seal({ kid, publicJwk, privateKey, createdAt }: OpenKey): Promise<SigningKey> {
    const sealed = await sealing.seal(JSON.stringify(await exportJWK(privateKey)));
    return { kid, publicJwk, sealed, createdAt };
  }

  /** Null where it was sealed with another secret. */
  async function unseal({ kid, publicJwk, sealed, createdAt }: SigningKey): Promise<OpenKey | null> {
    const opened = await sealing.unseal(sealed);
    if (opened === null) return null;
    const [publicKey, privateKey] = await Promise.all(
      [publicJwk, JSON.parse(opened)].map((jwk) => importJWK(jwk, algorithm) as Promise<CryptoKey>),
    );
    return { kid, publicJwk, publicKey, privateKey, createdAt };
  }

  return {
    async current() {
      return (await load())[0];
    },
    async find(kid) {
      const known = (await load()).find((each) => each.kid === kid);
      const key = known ?? (await loadAgain()).find((each) => each.kid === kid);
      return key !== undefined && isPublished(key) ? key.publicKey : null;
    },
    async published() {
      return { keys: (await loadAgain()).filter(isPublished).map(({ publicJwk }) => publicJwk) };
    },
  };
}
