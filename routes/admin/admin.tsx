/** Administration: users, and who changed what. For anybody but admins there is nothing here. */
import { Hono } from "hono";
import { z } from "zod";
import { cutText } from "../../lib/graphemes.ts";
import { listAudit } from "../../lib/users/audit.ts";
import { changeUser, mayChange, type UserChanges } from "../../lib/accounts/change_user.ts";
import { Refusal } from "../../lib/refusal.ts";
import { isId } from "../../lib/ids.ts";
import { readUsers } from "../../lib/users/user.ts";
import { listUserViews, viewUsers } from "../../lib/accounts/user_view.ts";
import { AdminAuditPage } from "../../views/admin/audit_page.tsx";
import { AdminUsersPage } from "../../views/admin/users_page.tsx";
import { userJson, userListJson } from "../../views/json/user_json.ts";
import { adminOf, adminSessionOf, type AppContext, type AppDeps, type AppEnv } from "../http/context.ts";
import { statusOf } from "../http/errors.tsx";
import { paginate, readListQuery } from "../http/list_query.ts";
import { readForm, readJson } from "../http/request_body.ts";

const auditLength = 50;
const budgetProblem = "monthlyBudget must be an amount in dollars such as 25 or 12.5, or null for no limit";

const jsonChanges = z.strictObject({
  role: z.enum(["owner", "admin", "member"], "role must be owner, admin or member"),
  disabled: z.boolean("disabled must be true or false"),
  monthlyBudget: z.union([
    z.number().min(0, budgetProblem).max(999_999_999, budgetProblem),
    z.null(),
    z.literal("default"),
  ], budgetProblem),
}).partial();

/** The same from a form: text, and everything is sent. */
const formChanges = z.object({
  role: z.enum(["owner", "admin", "member"], "Choose a role"),
  monthlyBudget: z.string().trim().toLowerCase()
    .regex(/^(|none|\$?\d{1,9}(\.\d{1,6})?)$/, "A budget is an amount such as 25 or 12.50, none, or empty"),
});

export function adminRoutes(deps: AppDeps) {
  const { store, secret, defaultBudgetMicros } = deps;
  return new Hono<AppEnv>()
    .get("/api/v1/users", async (c) => c.json(await usersAnswer(c)))
    .get("/api/v1/debug/users", async (c) => c.json(await usersAnswer(c)))
    .patch("/api/v1/users/:id", async (c) => {
      adminSessionOf(c);
      const { disabled, monthlyBudget, ...rest } = checkJson(await readJson(c));
      const changes = { ...rest, isDisabled: disabled, monthlyBudget: budgetOfJson(monthlyBudget) };
      const user = await change(c, changes);
      const [view] = await viewUsers(deps, [user]);
      return c.json(userJson(view));
    })
    .get("/admin", async (c) => c.html(await usersPage(c, null)))
    .post("/admin/users/:id", (c) =>
      changeByForm(c, async () => {
        const form = formChanges.safeParse(await readForm(c));
        if (!form.success) throw new Refusal("invalid_request", form.error.issues[0].message);
        return { role: form.data.role, monthlyBudget: budgetOfText(form.data.monthlyBudget) };
      }))
    .post("/admin/users/:id/disable", (c) => changeByForm(c, () => ({ isDisabled: true })))
    .post("/admin/users/:id/enable", (c) => changeByForm(c, () => ({ isDisabled: false })))
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
    return { users: page.items, pagination: paginate(page, { name, query }) };
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
    try {
      await change(c, await readChanges());
      return c.redirect("/admin", 303);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === "not_found") throw error;
      return c.html(await usersPage(c, error.message), statusOf(error));
    }
  }
}

function checkJson(body: unknown): z.output<typeof jsonChanges> {
  const result = jsonChanges.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => cutText(key, { chars: 60 })).join(", ");
    throw new Refusal("invalid_request", `Unknown field: ${names}`, { field: issue.keys[0] });
  }
  if (issue.path.length === 0) throw new Refusal("invalid_request", "The request must be a JSON object");
  throw new Refusal("invalid_request", issue.message, { field: String(issue.path[0]) });
}

function budgetOfJson(budget: number | null | "default" | undefined): UserChanges["monthlyBudget"] {
  if (budget === null) return "none";
  return typeof budget === "number" ? microsOf(budget) : budget;
}

function budgetOfText(text: string): UserChanges["monthlyBudget"] {
  if (text === "") return "default";
  return text === "none" ? "none" : microsOf(Number(text.replace("$", "")));
}

/** Dollars to micro-dollars; finer amounts than those are refused. */
function microsOf(dollars: number): number {
  const micros = Math.round(dollars * 1_000_000);
  if (micros / 1_000_000 !== dollars) throw new Refusal("invalid_request", budgetProblem);
  return micros;
}
