/** Everybody who has an account, and what admins change about them. */
import type { Role, User } from "../../lib/users/user.ts";
import type { UserView } from "../../lib/accounts/user_view.ts";
import type { AdminNotice } from "../../lib/operation/admin_notices.ts";
import { AdminNotices } from "./notices.tsx";
import { AdminLayout } from "./layout.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { dollars } from "../shell/format.ts";
import { MoreLink } from "../prompts/history_page.tsx";
import type { Pagination } from "../json/pagination_json.ts";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

export interface AdminUser extends UserView {
  /** Whether the reader may change this account. */
  mayChange: boolean;
}

export function AdminUsersPage({ user, notices, users, pagination, defaultBudgetMicros, problem }: {
  user: User;
  notices: readonly AdminNotice[];
  users: AdminUser[];
  pagination: Pagination;
  defaultBudgetMicros: number | null;
  problem: string | null;
}) {
  return (
    <AdminLayout name="Users" user={user} current="/admin">
      {problem && <ErrorText message={problem} />}
      <AdminNotices notices={notices} />
      <p class="muted">
        {pagination.total} in all. Amounts are those of this month (UTC).{" "}
        <a href="/admin/people.csv" download>Everybody as a table (CSV)</a>
      </p>
      <Records columns={["Name", "Role", "Spent", "Budget", "Last seen"]} hasActions>
        {users.map((shown) => (
          <UserRow reader={user} shown={shown} defaultBudgetMicros={defaultBudgetMicros} />
        ))}
      </Records>
      <MoreLink pagination={pagination} path="/admin" query="" name="More users" />
    </AdminLayout>
  );
}

function UserRow({ reader, shown, defaultBudgetMicros }: {
  reader: User;
  shown: AdminUser;
  defaultBudgetMicros: number | null;
}) {
  const { user, budget, lastSeenAt, mayChange } = shown;
  const isOwn = user.id === reader.id;
  return (
    <tr data-user-id={user.id} data-disabled={user.isDisabled ? "" : undefined}>
      <th scope="row" dir="auto">
        {user.name}
        {isOwn && " (you)"}
        {user.email && <span class="muted address">{user.email}</span>}
      </th>
      <td data-name="Role">
        {user.role}
        {user.isModerator && <span class="muted">moderator</span>}
        {user.isDisabled && <span class="status failed">disabled</span>}
        {user.isPublishingStopped && <span class="muted">may not publish</span>}
      </td>
      <td data-name="Spent" class="number">
        {dollars(budget.spentMicros)}
        {budget.heldMicros > 0 && <span class="muted">and {dollars(budget.heldMicros)} set aside</span>}
      </td>
      <td data-name="Budget" class="number">
        {limitWords(budget.limitMicros)}
        {user.monthlyBudgetMicros === undefined && <span class="muted">by default</span>}
      </td>
      <td data-name="Last seen">
        {lastSeenAt === null ? "never" : <Time at={lastSeenAt} zone={reader.timeZone} />}
      </td>
      <td class="acts">
        {mayChange && (
          <details class="change">
            <summary>
              Change <span class="unseen">{user.name}</span>
            </summary>
            <ChangeForm reader={reader} user={user} defaultBudgetMicros={defaultBudgetMicros} />
            {!isOwn && <AccessForm user={user} />}
            <ModeratorForm user={user} />
          </details>
        )}
      </td>
    </tr>
  );
}

function ChangeForm({ reader, user, defaultBudgetMicros }: {
  reader: User;
  user: User;
  defaultBudgetMicros: number | null;
}) {
  const roles: Role[] = reader.role === "owner" ? ["member", "admin", "owner"] : ["member", "admin"];
  const { id, monthlyBudgetMicros } = user;
  return (
    <form class="stack" method="post" action={`/admin/users/${id}`}>
      <div class="field">
        <label for={`role-${id}`}>Role</label>
        <select id={`role-${id}`} name="role">
          {roles.map((role) => <option value={role} selected={role === user.role}>{role}</option>)}
        </select>
      </div>
      <div class="field">
        <label for={`budget-${id}`}>Budget a month, in dollars</label>
        <input
          id={`budget-${id}`}
          name="monthlyBudget"
          value={budgetField(monthlyBudgetMicros)}
          inputmode="decimal"
          autocomplete="off"
          aria-describedby={`budget-hint-${id}`}
        />
        <p id={`budget-hint-${id}`} class="muted">
          Empty: the server's default ({limitWords(defaultBudgetMicros)}). The word none: no limit.
        </p>
      </div>
      <button type="submit">Save</button>
    </form>
  );
}

function AccessForm({ user: { id, isDisabled } }: { user: User }) {
  return isDisabled
    ? (
      <form method="post" action={`/admin/users/${id}/enable`}>
        <button type="submit">Enable</button>
      </form>
    )
    : (
      <form method="post" action={`/admin/users/${id}/disable`}>
        <button class="danger" type="submit">Disable</button>
      </form>
    );
}

/** Admins moderate without being made moderators. */
function ModeratorForm({ user: { id, role, isModerator, isPublishingStopped } }: { user: User }) {
  return (
    <>
      {role === "member" && (
        <form method="post" action={`/admin/users/${id}/${isModerator ? "no-moderator" : "moderator"}`}>
          <button type="submit">{isModerator ? "No moderator any more" : "Make a moderator"}</button>
        </form>
      )}
      {isPublishingStopped && (
        <form method="post" action={`/admin/users/${id}/may-publish`}>
          <button type="submit">Let them publish again</button>
        </form>
      )}
    </>
  );
}

function limitWords(limitMicros: number | null): string {
  return limitMicros === null ? "no limit" : dollars(limitMicros);
}

function budgetField(micros: number | null | undefined): string {
  if (micros === undefined) return "";
  return micros === null ? "none" : String(micros / 1_000_000);
}
