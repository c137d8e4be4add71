/** The session of the browser that asks. */
import { deviceWords } from "../../lib/identity/device.ts";
import { endSession, startSession } from "../../lib/identity/session.ts";
import type { AppContext, AppDeps } from "./context.ts";
import { sessionCookie } from "./session_cookie.ts";

type SessionDeps = Pick<AppDeps, "store" | "publicUrl">;

/** Signs the browser in: a new session in place of the one it may have had. */
export async function startOwnSession(
  c: AppContext,
  deps: SessionDeps,
  { userId }: { userId: string },
): Promise<void> {
  await endOwnSession(c, deps);
  sessionCookie.set(c, deps.publicUrl, await startSession(deps.store, userId, { device: deviceOf(c) }));
}

/** The browser that asks, in words. */
function deviceOf(c: AppContext): string {
  return deviceWords(c.req.header("User-Agent"));
}

/** Ends the session and its streams; nothing happens where there is none. */
export async function endOwnSession(c: AppContext, { store }: SessionDeps): Promise<void> {
  const { caller } = c.var;
  if (caller?.via !== "session") return;
  await endSession(store, { userId: caller.user.id, hash: caller.credentialId });
}
