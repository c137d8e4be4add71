/** What stands in the address of a share: 128 random bits. */
import { compactDecrypt, CompactEncrypt, errors } from "jose";
import { sha256, sign } from "../digest.ts";

const tokenBytes = 16;

/** 22 characters of base64url. */
export function createShareToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(tokenBytes));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Of anything that stands where a token belongs; what is none is the hash of nothing. */
export function hashOfToken(token: string): string {
  return sha256(`share ${token}`);
}

/** Encrypts tokens for their owners' eyes. */
export interface TokenSeal {
  seal(token: string): Promise<string>;
  /** Null where it was sealed with another secret. */
  unseal(sealed: string): Promise<string | null>;
}

export function createTokenSeal(secret: string): TokenSeal {
  const key = Uint8Array.fromBase64(sign(secret, "share tokens"), { alphabet: "base64url" });
  return {
    seal: (token) =>
      new CompactEncrypt(new TextEncoder().encode(token)).setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(key),
    async unseal(sealed) {
      try {
        return new TextDecoder().decode((await compactDecrypt(sealed, key)).plaintext);
      } catch (error) {
        if (error instanceof errors.JWEDecryptionFailed) return null;
        throw error;
      }
    },
  };
}
