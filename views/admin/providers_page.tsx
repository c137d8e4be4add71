/** How the providers are: whether they answer and take the key, what is left there, which models they have. */
import type { Model, Provider, ProviderStatus } from "../../lib/catalog/provider.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout } from "./layout.tsx";
import { Records } from "../shell/records.tsx";

const stateWords: { [state in ProviderStatus["state"]]: string } = {
  ok: "answers",
  key_refused: "refuses the key",
  unreachable: "does not answer",
  trouble: "is in trouble",
};

export function AdminProvidersPage({ user, failing, providers, sourceObstacle }: {
  user: User;
  /** Parts of this server that do not answer. */
  failing: { part: string; reason: string }[];
  providers: { provider: Provider; status: ProviderStatus | null }[];
  /** Why those that fetch pictures themselves can't be given any. */
  sourceObstacle: string | null;
}) {
  return (
    <AdminLayout name="Providers" user={user} current="/admin/providers">
      {failing.map(({ part, reason }) => (
        <p class="error" role="alert">
          No answer from the {part}: {reason.slice(0, 300)}
        </p>
      ))}
      <Records columns={["Provider", "State", "Balance", "Models"]}>
        {providers.map(({ provider, status }) => (
          <tr>
            <th scope="row">{provider.name}</th>
            <td data-name="State">
              <span class={`status ${status === null || status.state === "ok" ? "completed" : "failed"}`}>
                {status === null ? "built in" : stateWords[status.state]}
              </span>
              {status?.detail && <q class="muted" dir="auto">{status.detail}</q>}
            </td>
            <td data-name="Balance">{status?.balance ?? "–"}</td>
            <td data-name="Models">
              {provider.models.length === 0 ? "not known yet" : provider.models.map(modelWords).join(", ")}
              {sourceObstacle !== null && provider.models.some(isFetching) && (
                <p class="muted">
                  They change no pictures here: they fetch them themselves, and{" "}
                  {sourceObstacle}. That needs PUBLIC_URL on https, or R2.
                </p>
              )}
            </td>
          </tr>
        ))}
      </Records>
      <p class="muted">Each is asked again when this page is, at most twice a minute.</p>
    </AdminLayout>
  );
}

function modelWords({ id, retiresAt }: Model): string {
  return retiresAt === null ? id : `${id} (until ${retiresAt})`;
}

function isFetching({ edit }: Model): boolean {
  return edit?.sources.by === "address";
}
