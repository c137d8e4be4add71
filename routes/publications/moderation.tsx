/**
 * Moderating: for admins and moderators, and only once they have said that they do. That holds for one browser and its
 * session, and ends by itself.
 */
import { Hono } from "hono";
import { z } from "zod";
import { sign } from "../../lib/digest.ts";
import { readFields } from "../../lib/fields.ts";
import { viewPublication } from "../../lib/live/publication_view.ts";
import { decide, hasSecondModerator, listWaiting, setPublishing } from "../../lib/publications/moderate.ts";
import { type Decision, decisionInput } from "../../lib/publications/publication.ts";
import { listEvents } from "../../lib/publications/publication_store.ts";
import { openReports } from "../../lib/publications/report.ts";
import { findSeenPublication } from "../../lib/publications/visible.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { readUsers, type User } from "../../lib/users/user.ts";
import {
  type ModeratedView,
  ModerationOffPage,
  ModerationPage,
} from "../../views/publications/moderation_page.tsx";
import { type AppContext, type AppEnv, sessionOf } from "../http/context.ts";
import { readFormFields } from "../http/input.ts";
import { orProblem } from "../http/problem.tsx";
import { readForm } from "../http/request_body.ts";
import { ownPath } from "../http/return_path.ts";
import { moderatingCookie } from "../http/session_cookie.ts";
import { moderatorOf } from "./gallery_access.ts";
import type { PublicationDeps } from "./publications.ts";

const path = "/admin/moderation";
/** More are not counted. */
const mostCounted = 100;

const actions = ["keep", "hide", "refuse", "sensitive", "not_sensitive", "title"] as const;
const decisionForm = z.object({
  action: z.enum(actions, { error: "Choose what to do" }),
  reason: z.string().optional(),
  title: z.string().optional(),
  revision: z.coerce.number({ error: "revision must be a number" }).int().optional(),
});
const modeForm = z.object({ on: z.string().optional(), return_to: z.string().optional() });
const stopForm = z.object({ stop: z.string().optional(), reason: z.string().optional() });

const states: { [action in (typeof actions)[number]]: Decision["state"] } = {
  keep: "SHOWN",
  hide: "HIDDEN",
  refuse: "REFUSED",
  sensitive: null,
  not_sensitive: null,
  title: null,
};

export function moderationRoutes(deps: PublicationDeps) {
  const { store, secret, publicUrl } = deps;
  return new Hono<AppEnv>()
    .get(path, async (c) => {
      moderatorOf(c, deps);
      if (!isModerating(c)) return c.html(<ModerationOffPage user={sessionOf(c).user} returnTo={path} />);
      return c.html(await moderationPage(c, {}));
    })
    .post(`${path}/mode`, async (c) => {
      moderatorOf(c, deps);
      const { credentialId } = sessionOf(c);
      const { on, return_to: returnTo = path } = await readFormFields(c, modeForm);
      if (on === "1") moderatingCookie.set(c, publicUrl, markOf(credentialId));
      else moderatingCookie.clear(c, publicUrl);
      return c.redirect(ownPath(returnTo), 303);
    })
    .get(`${path}/:id`, async (c) => {
      moderatorOf(c, deps);
      const publicationId = c.req.param("id");
      // What is not there is not there for those either who do not moderate yet.
      await findSeenPublication(store, { viewer: sessionOf(c).user, publicationId });
      const returnTo = `${path}/${publicationId}`;
      if (!isModerating(c)) return c.html(<ModerationOffPage user={sessionOf(c).user} returnTo={returnTo} />);
      return c.html(await moderationPage(c, { publicationId }));
    })
    .post(`${path}/:id`, async (c) => {
      const actor = moderatingUser(c);
      const publicationId = c.req.param("id");
      const fields = await readForm(c);
      const page = ({ message }: Refusal) => moderationPage(c, { publicationId, problem: message, fields });
      return await orProblem(c, { page }, async () => {
        const decision = readDecision(fields);
        await decide(store, { actor, publicationId, decision });
        return c.redirect(decision.state === null ? `${path}/${publicationId}` : path, 303);
      });
    })
    .post(`${path}/:id/stop`, async (c) => {
      const actor = moderatingUser(c);
      const publicationId = c.req.param("id");
      const { publication } = await findSeenPublication(store, { viewer: actor, publicationId });
      const { stop, reason } = await readFormFields(c, stopForm);
      const page = ({ message }: Refusal) => moderationPage(c, { publicationId, problem: message });
      return await orProblem(c, { page }, async () => {
        const said = readFields(decisionInput.pick({ reason: true }), { reason: reason ?? "" });
        await setPublishing(store, {
          actor,
          userId: publication.authorId,
          isStopped: stop === "1",
          reason: said.reason,
        });
        return c.redirect(`${path}/${publicationId}`, 303);
      });
    });

  /** Proves that this session moderates; the server keeps nothing of it. */
  function markOf(credentialId: string): string {
    return sign(secret, `moderating ${credentialId}`);
  }

  function isModerating(c: AppContext): boolean {
    return moderatingCookie.read(c, publicUrl) === markOf(sessionOf(c).credentialId);
  }

  /** Acts as a moderator; refuses with `forbidden` where nobody has said so. */
  function moderatingUser(c: AppContext): User {
    moderatorOf(c, deps);
    const { user } = sessionOf(c);
    if (!isModerating(c)) throw new Refusal("forbidden", "Start moderating first");
    return user;
  }

  async function moderationPage(
    c: AppContext,
    { publicationId, problem, fields }: {
      publicationId?: string;
      problem?: string;
      fields?: { [name: string]: string };
    },
  ) {
    const { user } = sessionOf(c);
    const waiting = await listWaiting(store, { limit: mostCounted });
    const shownId = publicationId ?? waiting[0]?.id;
    const place = waiting.findIndex(({ id }) => id === shownId);
    const next = waiting[place + 1];
    return (
      <ModerationPage
        {...{ user, problem, fields }}
        shown={shownId === undefined ? null : await moderatedView(user, shownId)}
        waiting={waiting.length}
        nextId={next === undefined || next.id === shownId ? null : next.id}
      />
    );
  }

  async function moderatedView(user: User, publicationId: string): Promise<ModeratedView> {
    const { publication } = await findSeenPublication(store, { viewer: user, publicationId });
    if (publication.state === "WITHDRAWN") throw notFound();
    const [view, reports, events] = await Promise.all([
      viewPublication(store, publication),
      openReports(store, publication),
      listEvents(store, publication),
    ]);
    const people = await readUsers(store, events.flatMap(({ actorId }) => actorId === null ? [] : [actorId]));
    const isOthers = publication.authorId === user.id && await hasSecondModerator(store, user);
    return { view, reports, events, names: new Map(people.map(({ id, name }) => [id, name])), isOthers };
  }
}

/** Only what the button says is changed. */
function readDecision(fields: { [name: string]: string }): Decision {
  const { action, reason, title, revision } = readFields(decisionForm, fields);
  const { state: _, ...decision } = readFields(decisionInput, {
    state: "SHOWN",
    reason,
    revision,
    ...(action === "title" && { title }),
    ...(action === "sensitive" && { sensitive: true }),
    ...(action === "not_sensitive" && { sensitive: false }),
  });
  return { ...decision, state: states[action] };
}
