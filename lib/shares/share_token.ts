/** What stands in the address of a share: 128 random bits. */
import { sha256 } from "../digest.ts";

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
