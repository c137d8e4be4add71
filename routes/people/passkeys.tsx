/** Passkeys: adding and removing one's own, and signing in with one. The pages' script does the asking. */
import { Hono } from "hono";
import { z } from "zod";
import { notFound } from "../../lib/refusal.ts";
import { listPasskeys, removePasskey } from "../../lib/identity/passkey.ts";
import { PasskeysPage } from "../../views/people/passkeys_page.tsx";
import { clientAddress } from "../http/client_address.ts";
import { type AppDeps, type AppEnv, sessionOf } from "../http/context.ts";
import { startOwnSession } from "../http/own_session.ts";
import { readJsonFields } from "../http/input.ts";
import { ownPath } from "../http/return_path.ts";

const words = "The request does not have the form that the page sends";

/** What the browser answered is checked by `passkeys`. */
const newPasskey = z.strictObject({ name: z.string(words), response: z.unknown() });
const signIn = z.strictObject({ response: z.unknown(), returnTo: z.string(words).optional() });

type PasskeyDeps = Pick<AppDeps, "store" | "passkeys" | "limits" | "publicUrl">;

export function passkeyRoutes(deps: PasskeyDeps) {
  const { store, passkeys, limits } = deps;
  return new Hono<AppEnv>()
    .get("/profile/passkeys", async (c) => {
      const { user } = sessionOf(c);
      const own = await listPasskeys(store, user.id);
      return c.html(<PasskeysPage user={user} passkeys={own} isAvailable={passkeys.isAvailable} />);
    })
    .post("/profile/passkeys/options", async (c) => {
      const { user } = sessionOf(c);
      demandAvailable();
      return c.json(await passkeys.beginRegistration(user));
    })
    .post("/profile/passkeys", async (c) => {
      const { user } = sessionOf(c);
      demandAvailable();
      await passkeys.register(user, await readJsonFields(c, newPasskey));
      return c.json({ success: true, location: "/profile/passkeys" }, 201);
    })
    .post("/profile/passkeys/:id/remove", async (c) => {
      const { user } = sessionOf(c);
      await removePasskey(store, { userId: user.id, passkeyId: c.req.param("id") });
      return c.redirect("/profile/passkeys", 303);
    })
    .post("/login/passkey/options", async (c) => {
      limits.signIn.take(clientAddress(c, deps));
      demandAvailable();
      return c.json(await passkeys.beginSignIn());
    })
    .post("/login/passkey", async (c) => {
      limits.signIn.take(clientAddress(c, deps));
      demandAvailable();
      const { response, returnTo } = await readJsonFields(c, signIn);
      const user = await passkeys.signIn(response);
      await startOwnSession(c, deps, { userId: user.id });
      return c.json({ success: true, location: ownPath(returnTo) });
    });

  function demandAvailable(): void {
    if (!passkeys.isAvailable) throw notFound();
  }
}
