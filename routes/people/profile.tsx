/** People's own account: name, sessions, keys, all its data, and its end. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import {
  apiKeyFields,
  createApiKey,
  listApiKeys,
  readExpiry,
  revokeApiKey,
} from "../../lib/identity/api_key.ts";
import { readFields } from "../../lib/fields.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import type { ExportJson } from "../../lib/accounts/archive_parts.ts";
import { exportAccount } from "../../lib/accounts/export_account.ts";
import { readPortrait } from "../../lib/accounts/read_portrait.ts";
import { endSession, listSessions } from "../../lib/identity/session.ts";
import { isTimeZone, timeZones } from "../../lib/users/time_zone.ts";
import { changeProfile } from "../../lib/users/user.ts";
import { DeletedPage } from "../../views/images/deleted_page.tsx";
import { numbersOf } from "../../lib/statistics/analytics.ts";
import { analyticsRowJson } from "../../views/json/analytics_json.ts";
import { boardFields } from "../../views/json/board_json.ts";
import { recipeExportJson } from "../../views/json/recipe_json.ts";
import { accountExportJson } from "../../views/json/export_json.ts";
import { batchJson } from "../../views/json/batch_json.ts";
import { imageJson } from "../../views/json/image_json.ts";
import { hookFields } from "../../views/json/hook_json.ts";
import { ownCommentFields } from "../../views/json/comment_json.ts";
import { noticeFields } from "../../views/json/notice_json.ts";
import { publicationFields } from "../../views/json/publication_json.ts";
import { shareExportJson } from "../../views/json/share_json.ts";
import { promptJson } from "../../views/json/prompt_json.ts";
import {
  deleteWord,
  isDone,
  type Problem,
  ProfilePage,
  type ProfilePageProps,
} from "../../views/people/profile_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, sessionOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readForm } from "../http/request_body.ts";
import { forgetPerson } from "../http/session_cookie.ts";

const profileForm = z.object({
  name: z.string("Your name can't be empty").trim().min(1, "Your name can't be empty").max(
    100,
    "A name has at most 100 characters",
  ),
  timeZone: z.string().refine((name) => name === "" || isTimeZone(name), "Choose a time zone of the list")
    .optional(),
});

const keyForm = z.object({ ...apiKeyFields, expires: z.string().default("") });

const confirmWords = `Type ${deleteWord} to confirm`;
const deleteForm = z.object({
  confirm: z.string(confirmWords).trim().toLowerCase().pipe(z.literal(deleteWord, confirmWords)),
});

type ProfileDeps = Pick<
  AppDeps,
  "store" | "models" | "progress" | "blobs" | "log" | "deletions" | "publicUrl"
>;

export function profileRoutes(deps: ProfileDeps) {
  const { store, deletions, publicUrl } = deps;
  const json: ExportJson = {
    account: accountExportJson,
    prompt: (view) => promptJson(view, publicUrl).prompt,
    image: (view) => imageJson(view, publicUrl).image,
    batch: batchJson,
    board: boardFields,
    numbers: ({ rollup, ...row }) => analyticsRowJson({ ...row, numbers: numbersOf(rollup) }),
    notice: noticeFields,
    publication: (view) => publicationFields(view, { publicUrl, seenAs: "author" }),
    recipe: recipeExportJson,
    share: shareExportJson,
    hook: hookFields,
    comment: ownCommentFields,
  };
  return new Hono<AppEnv>()
    .get("/profile", async (c) => {
      sessionOf(c);
      const done = c.req.query("done");
      return c.html(await page(c, { done: isDone(done) ? done : undefined }));
    })
    .get("/profile/picture", async (c) => {
      const portrait = await readPortrait(store, callerOf(c).user.id);
      if (portrait === null) throw notFound();
      c.header("Content-Type", portrait.contentType);
      c.header("Cache-Control", "private, no-cache");
      return c.body(new Uint8Array(portrait.bytes));
    })
    .post("/profile", (c) =>
      takeForm(c, "profile", async (fields) => {
        await changeProfile(store, { userId: sessionOf(c).user.id, ...readFields(profileForm, fields) });
        return c.redirect("/profile?done=saved", 303);
      }))
    .post("/profile/sessions/:hash/end", async (c) => {
      const hash = c.req.param("hash");
      const { user } = sessionOf(c);
      const sessions = await listSessions(store, user);
      if (!sessions.some((session) => session.hash === hash)) throw notFound();
      await endSessions(user.id, [hash]);
      return c.redirect("/profile?done=session#sessions", 303);
    })
    .post("/profile/sessions/end-others", async (c) => {
      const { user, credentialId } = sessionOf(c);
      const hashes = (await listSessions(store, user)).map(({ hash }) => hash);
      await endSessions(user.id, hashes.filter((hash) => hash !== credentialId));
      return c.redirect("/profile?done=sessions#sessions", 303);
    })
    .post("/profile/keys", (c) =>
      takeForm(c, "key", async (fields) => {
        const { name, scope, expires } = readFields(keyForm, fields);
        const expiresAt = expires === "" ? null : readExpiry(expires, { now: store.now() });
        if (expires !== "" && expiresAt === null) {
          throw new Refusal("invalid_request", "A key expires on a day to come, such as 2030-12-31");
        }
        const newKey = await createApiKey(store, { userId: sessionOf(c).user.id, name, scope, expiresAt });
        return c.html(await page(c, { newKey }), 201);
      }))
    .post("/profile/keys/:id/revoke", async (c) => {
      await revokeApiKey(store, { userId: sessionOf(c).user.id, keyId: c.req.param("id") });
      return c.redirect("/profile?done=key#keys", 303);
    })
    .get("/profile/export", (c) => {
      const { user } = sessionOf(c);
      const day = new Date(store.now()).toISOString().slice(0, 10);
      c.header("Content-Type", "application/zip");
      c.header("Content-Disposition", `attachment; filename="darkroom-${day}.zip"`);
      if (c.req.method === "HEAD") return c.body(null);
      return c.body(exportAccount(deps, { user, json }));
    })
    .post("/profile/delete", (c) =>
      takeForm(c, "delete", async (fields) => {
        readFields(deleteForm, fields);
        await deletions.request(sessionOf(c).user.id);
        forgetPerson(c, publicUrl);
        return c.html(<DeletedPage />);
      }));

  /** What is wrong with a form is said beside it. */
  async function takeForm(
    c: Context<AppEnv>,
    form: Problem["form"],
    take: (fields: { [name: string]: string }) => Promise<Response>,
  ): Promise<Response> {
    sessionOf(c);
    const fields = await readForm(c);
    const shown = ({ message }: Refusal) => page(c, { problem: { form, message, fields } });
    return await orProblem(c, { page: shown }, () => take(fields));
  }

  async function page(c: AppContext, shown: Pick<ProfilePageProps, "done" | "problem" | "newKey">) {
    const { user, credentialId } = sessionOf(c);
    const [sessions, apiKeys, portrait] = await Promise.all([
      listSessions(store, user),
      listApiKeys(store, user.id),
      readPortrait(store, user.id),
    ]);
    return (
      <ProfilePage
        user={user}
        hasPortrait={portrait !== null}
        timeZones={timeZones}
        sessions={sessions}
        currentSession={credentialId}
        apiKeys={apiKeys}
        publicUrl={publicUrl}
        now={store.now()}
        {...shown}
      />
    );
  }

  async function endSessions(userId: string, hashes: string[]): Promise<void> {
    for (const hash of hashes) await endSession(store, { userId, hash });
  }
}
