import { createHash, createHmac } from "node:crypto";

/** SHA-256, hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Handing so few to another thread takes longer than the digest. */
const fewBytes = 32 * 1024;

/** The same for many bytes: beside the event loop. */
export async function sha256OfMany(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= fewBytes) return sha256(bytes);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).toHex();
}

/** HMAC-SHA-256, base64url. */
export function sign(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("base64url");
}

/** 256 random bits, base64url: keys, session ids and sign-in codes. Only their `sha256` is ever stored. */
export function randomToken(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}
