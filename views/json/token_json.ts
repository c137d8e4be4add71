/** A short-lived token for a program, and the keys to check it with. */
import { z } from "zod";
import type { IssuedToken } from "../../lib/identity/json_web_token.ts";
import { answer } from "./values.ts";

export const tokenAnswer = answer({
  token: z.string(),
  tokenType: z.literal("Bearer"),
  expiresIn: z.int().positive().describe("Seconds."),
});

export function tokenJson({ token, expiresInSeconds }: IssuedToken): z.output<typeof tokenAnswer> {
  return { success: true, token, tokenType: "Bearer", expiresIn: expiresInSeconds };
}

/** RFC 7517 and RFC 8037: Ed25519, public halves only. */
export const tokenKeysAnswer = z.strictObject({
  keys: z.array(z.strictObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string(),
    kid: z.string(),
    alg: z.literal("EdDSA"),
    use: z.literal("sig"),
  })),
});
