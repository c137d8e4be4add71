/** Administration: users, and who changed what. For anybody but admins there is nothing here. */
import { Hono } from "hono";
import { z } from "zod";
import { listAudit } from "../../lib/users/audit.ts";
import { changeUser, mayChange, type UserChanges } from "../../lib/accounts/change_user.ts";
import { Refusal } from "../../lib/refusal.ts";
import { putAwayNotice, readAdminNotices } from "../../lib/operation/admin_notices.ts";
import { readStoredBytes } from "../../lib/users/stored_bytes.ts";
import { peopleHeading, personLine } from "../../views/admin/people_csv.ts";
import { byteOrderMark } from "../../views/shell/csv.ts";
import { isId } from "../../lib/ids.ts";
import { readUsers } from "../../lib/users/user.ts";
import { listUserViews, viewUsers } from "../../lib/accounts/user_view.ts";
import { AdminAuditPage } from "../../views/admin/audit_page.tsx";
import { AdminUsersPage } from "../../views/admin/users_page.tsx";
import { userJson, userListJson } from "../../views/json/user_json.ts";
import { adminOf, adminSessionOf, type AppContext, type AppDeps, type AppEnv } from "../http/context.ts";
import { readFormFields, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { orProblem } from "../http/problem.tsx";
import { userChangesInput, userForm } from "./user_input.ts";

const auditLength = 50;

type AdminDeps = Pick<
  AppDeps,
  "store" | "secret" | "defaultBudgetMicros" | "disk" | "backups" | "models" | "health"
>;

const putAwayForm = z.object({ id: z.string() });
const peopleAtOnce = 50;

export function adminRoutes(deps: AdminDeps) {
  const { store, secret, defaultBudgetMicros } = deps;
  return new Hono<AppEnv>()
    .get("/api/v1/users", async (c) => c.json(await usersAnswer(c)))
    .get("/api/v1/debug/users", async (c) => c.json(await usersAnswer(c)))
    .patch("/api/v1/users/:id", async (c) => {
      adminSessionOf(c);
      const { disabled, moderator, mayPublish, ...changes } = await readJsonFields(c, userChangesInput);
      const user = await change(c, {
        ...changes,
        isDisabled: disabled,
        isModerator: moderator,
        ...(mayPublish !== undefined && { isPublishingStopped: !mayPublish }),
      });
      const [view] = await viewUsers(deps, [user]);
      return c.json(userJson(view));
    })
    .get("/admin", async (c) => c.html(await usersPage(c, null)))
    .get("/admin/people.csv", (c) => {
      adminSessionOf(c);
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", 'attachment; filename="darkroom-people.csv"');
      return c.body(ReadableStream.from(peopleCsv()).pipeThrough(new TextEncoderStream()));
    })
    .post("/admin/notices/put-away", async (c) => {
      adminSessionOf(c);
      await putAwayNotice(deps, (await readFormFields(c, putAwayForm)).id);
      return c.redirect("/admin", 303);
    })
    .post("/admin/users/:id", (c) => changeByForm(c, () => readFormFields(c, userForm)))
    .post("/admin/users/:id/disable", (c) => changeByForm(c, () => ({ isDisabled: true })))
    .post("/admin/users/:id/enable", (c) => changeByForm(c, () => ({ isDisabled: false })))
    .post("/admin/users/:id/moderator", (c) => changeByForm(c, () => ({ isModerator: true })))
    .post("/admin/users/:id/no-moderator", (c) => changeByForm(c, () => ({ isModerator: false })))
    .post("/admin/users/:id/may-publish", (c) => changeByForm(c, () => ({ isPublishingStopped: false })))
    .get("/admin/audit", async (c) => {
      const { user } = adminSessionOf(c);
      const before = c.req.query("before");
      if (before !== undefined && !isId(before)) {
        throw new Refusal("invalid_request", "before takes what the page before gave");
      }
      const { entries, next } = await listAudit(store, { limit: auditLength, before });
      const people = await readUsers(
        store,
        entries.flatMap(({ actorId, subjectId }) => subjectId === null ? [actorId] : [actorId, subjectId]),
      );
      return c.html(
        <AdminAuditPage
          user={user}
          entries={entries}
          names={new Map(people.map(({ id, name }) => [id, name]))}
          next={next}
          isFirst={before === undefined}
        />,
      );
    });

  async function readPage(c: AppContext) {
    const { user } = adminOf(c);
    const name = { userId: user.id, list: "users", secret };
    const query = readListQuery(c, { ...name, defaultLimit: 50 });
    const page = await listUserViews(deps, { limit: query.start.limit, offset: query.offset });
    return { users: page.items, pagination: paginate(c, { page, name, query }) };
  }

  async function* peopleCsv(): AsyncGenerator<string> {
    yield byteOrderMark + peopleHeading;
    for (let offset: number | null = 0; offset !== null;) {
      const page = await listUserViews(deps, { limit: peopleAtOnce, offset });
      for (const view of page.items) {
        yield personLine(view, { storedBytes: await readStoredBytes(store, view.user.id) });
      }
      offset = page.next;
    }
  }

  async function usersAnswer(c: AppContext) {
    const { users, pagination } = await readPage(c);
    return userListJson(users, pagination);
  }

  async function usersPage(c: AppContext, problem: string | null) {
    const { user } = adminSessionOf(c);
    const { users, pagination } = await readPage(c);
    return (
      <AdminUsersPage
        user={user}
        notices={await readAdminNotices(deps)}
        users={users.map((shown) => ({ ...shown, mayChange: mayChange(user, shown.user) }))}
        pagination={pagination}
        defaultBudgetMicros={defaultBudgetMicros}
        problem={problem}
      />
    );
  }

  function change(c: AppContext, changes: UserChanges) {
    const { user: actor } = adminSessionOf(c);
    return changeUser(deps.store, { actor, userId: c.req.param("id")!, changes });
  }

  async function changeByForm(c: AppContext, readChanges: () => UserChanges | Promise<UserChanges>) {
    adminSessionOf(c);
    return await orProblem(c, { page: ({ message }) => usersPage(c, message) }, async () => {
      await change(c, await readChanges());
      return c.redirect("/admin", 303);
    });
  }
}
