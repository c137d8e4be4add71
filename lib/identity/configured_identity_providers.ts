/** The ways to sign in at somebody else's that are set, in the order in which the sign-in page shows them. */
import type { Settings } from "../settings.ts";
import { createIdentityFetch } from "./identity_fetch.ts";
import { createIdentityProvider, googleIssuer, type IdentityProvider } from "./identity_provider.ts";

export function configureIdentityProviders(
  settings: Settings,
  { publicUrl, now }: { publicUrl: string; now: () => number },
): IdentityProvider[] {
  const common = { publicUrl, fetch: createIdentityFetch(), now };
  const providers: IdentityProvider[] = [];
  if (settings.GOOGLE_CLIENT_ID !== undefined) {
    providers.push(createIdentityProvider({
      id: "google",
      name: "Google",
      issuer: googleIssuer,
      clientId: settings.GOOGLE_CLIENT_ID,
      clientSecret: settings.GOOGLE_CLIENT_SECRET!,
      ...common,
    }));
  }
  if (settings.OIDC_ISSUER !== undefined) {
    providers.push(createIdentityProvider({
      id: "oidc",
      name: settings.OIDC_NAME ?? new URL(settings.OIDC_ISSUER).hostname,
      issuer: settings.OIDC_ISSUER,
      clientId: settings.OIDC_CLIENT_ID!,
      clientSecret: settings.OIDC_CLIENT_SECRET!,
      ...common,
    }));
  }
  return providers;
}
