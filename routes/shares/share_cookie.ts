/** The cookies that hold proofs of passwords, one a share, so that several can be open at once. */
import { getCookie, setCookie } from "hono/cookie";
import { sign } from "../../lib/digest.ts";
import { isProof, proofLifeMs, proofOf } from "../../lib/shares/share_password.ts";
import type { Share } from "../../lib/shares/share.ts";
import type { AppContext, AppDeps } from "../http/context.ts";

type CookieDeps = Pick<AppDeps, "store" | "secret" | "publicUrl">;

export function giveProof(c: AppContext, deps: CookieDeps, share: Share): void {
  const isHttps = deps.publicUrl.startsWith("https:");
  setCookie(c, nameOf(deps, share), proofOf(share, { secret: deps.secret, now: deps.store.now() }), {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    secure: isHttps,
    maxAge: proofLifeMs / 1000,
  });
}

export function hasProof(c: AppContext, deps: CookieDeps, share: Share): boolean {
  const proof = getCookie(c, nameOf(deps, share));
  return isProof(proof, share, { secret: deps.secret, now: deps.store.now() });
}

/** It tells nothing of the share, and differs where several Darkrooms are on one host. */
function nameOf({ secret, publicUrl }: CookieDeps, { id }: Share): string {
  const prefix = publicUrl.startsWith("https:") ? "__Host-" : "";
  return `${prefix}darkroom-share-${sign(secret, `share cookie ${id}`).slice(0, 12)}`;
}
