/** Secrets that have to be used again, and are stored under the server's own: as JWE (RFC 7516), A256GCM. */
import { compactDecrypt, CompactEncrypt, errors } from "jose";
import { sign } from "./digest.ts";

export interface Seal {
  seal(text: string): Promise<string>;
  /** Null where it was sealed under another secret. */
  unseal(sealed: string): Promise<string | null>;
}

/** `purpose` keeps what is sealed for one thing from being opened as another. */
export function createSeal({ secret, purpose }: { secret: string; purpose: string }): Seal {
  const key = Uint8Array.fromBase64(sign(secret, purpose), { alphabet: "base64url" });
  return {
    seal: (text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
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
