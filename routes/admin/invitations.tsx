/** Invitations: admins make and revoke them, whoever has the link becomes a member. */
import { Hono } from "hono";
import { z } from "zod";
import type { Refusal } from "../../lib/refusal.ts";
import {
  createInvitation,
  findInvitation,
  listInvitations,
  redeemInvitation,
  revokeInvitation,
} from "../../lib/identity/invitation.ts";
import { InvitationsPage } from "../../views/admin/invitations_page.tsx";
import { JoinPage } from "../../views/people/join_page.tsx";
import { clientAddress } from "../http/client_address.ts";
import { adminSessionOf, type AppContext, type AppDeps, type AppEnv, visitorOf } from "../http/context.ts";
import { readFormFields } from "../http/input.ts";
import { startOwnSession } from "../http/own_session.ts";
import { orProblem } from "../http/problem.tsx";

/** What a name is, is known to the invitation. */
const invitationForm = z.object({ name: z.string().default("") });
const joinForm = invitationForm.extend({ code: z.string().default("") });

type InvitationDeps = Pick<AppDeps, "store" | "publicUrl" | "limits">;

export function invitationRoutes(deps: InvitationDeps) {
  const { store, publicUrl, limits } = deps;
  return new Hono<AppEnv>()
    .get("/admin/invitations", async (c) => c.html(await invitationsPage(c)))
    .post("/admin/invitations", async (c) => {
      const { user } = adminSessionOf(c);
      const page = ({ message: problem }: Refusal) => invitationsPage(c, { problem });
      return await orProblem(c, { page }, async () => {
        const { name } = await readFormFields(c, invitationForm);
        const { invitation, code } = await createInvitation(store, { createdBy: user.id, name });
        const link = `${publicUrl}/join?code=${code}`;
        return c.html(await invitationsPage(c, { made: { name: invitation.name, link } }), 201);
      });
    })
    .post("/admin/invitations/:id/revoke", async (c) => {
      const { user } = adminSessionOf(c);
      await revokeInvitation(store, { invitationId: c.req.param("id"), actorId: user.id });
      return c.redirect("/admin/invitations", 303);
    })
    .get("/join", async (c) => {
      limits.signIn.take(clientAddress(c, deps));
      const code = c.req.query("code") ?? "";
      const invitation = await findInvitation(store, code);
      if (invitation === null) return c.html(<JoinPage user={visitorOf(c)} code={null} />, 404);
      return c.html(<JoinPage user={visitorOf(c)} code={code} name={invitation.name} />);
    })
    .post("/join", async (c) => {
      limits.signIn.take(clientAddress(c, deps));
      const { code, name } = await readFormFields(c, joinForm);
      const page = ({ message }: Refusal) => (
        <JoinPage user={visitorOf(c)} code={code} name={name} problem={message} />
      );
      return await orProblem(c, { page }, async () => {
        const user = await redeemInvitation(store, { code, name });
        if (user === null) return c.html(<JoinPage user={visitorOf(c)} code={null} />, 404);
        await startOwnSession(c, deps, { userId: user.id });
        return c.redirect("/profile/passkeys", 303);
      });
    });

  async function invitationsPage(
    c: AppContext,
    more: { made?: { name: string; link: string }; problem?: string } = {},
  ) {
    const { user } = adminSessionOf(c);
    return <InvitationsPage user={user} invitations={await listInvitations(store)} {...more} />;
  }
}
