/**
 * How the providers are: whether they answer and take the key, what they last said and when, what is left there, and
 * what each of their models can do.
 */
import type { SeenProvider } from "../../lib/catalog/health.ts";
import type { EditAbility, MaskForm, Model, Provider, ProviderStatus } from "../../lib/catalog/provider.ts";
import type { SeenNode } from "../../lib/store/nodes.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout } from "./layout.tsx";
import { sizeWords } from "../shell/format.ts";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

const stateWords: { [state in ProviderStatus["state"]]: string } = {
  ok: "answers",
  key_refused: "refuses the key",
  unreachable: "does not answer",
  trouble: "is in trouble",
};

export function AdminProvidersPage({ user, failing, providers, sourceObstacle, nodes }: {
  user: User;
  /** Parts of this server that do not answer. */
  failing: { part: string; reason: string }[];
  providers: SeenProvider[];
  /** Why those that fetch pictures themselves can't be given any. */
  sourceObstacle: string | null;
  /** Those that share the database, where several do. */
  nodes: readonly SeenNode[];
}) {
  const modelCount = providers.reduce((sum, { provider }) => sum + provider.models.length, 0);
  return (
    <AdminLayout name="Providers" user={user} current="/admin/providers">
      {failing.map(({ part, reason }) => (
        <p class="error" role="alert">
          No answer from the {part}: {reason.slice(0, 300)}
        </p>
      ))}
      <Records columns={["Provider", "State", "Balance", "Models", "Last answer"]}>
        {providers.map(({ provider, status, answeredAt }) => (
          <tr>
            <th scope="row" class="whole">{provider.name}</th>
            <td data-name="State">
              <span class={`status ${status === null || status.state === "ok" ? "completed" : "failed"}`}>
                {status === null ? "built in" : stateWords[status.state]}
              </span>
              {status?.detail && <q class="muted" dir="auto">{status.detail}</q>}
            </td>
            <td data-name="Balance">{status?.balance ?? "–"}</td>
            <td data-name="Models">
              {provider.models.length === 0 ? "not known yet" : namesOf(provider.models)}
              {sourceObstacle !== null && provider.models.some(isFetching) && (
                <p class="muted">
                  They change no pictures here: they fetch them themselves, and{" "}
                  {sourceObstacle}. That needs PUBLIC_URL on https, or R2.
                </p>
              )}
            </td>
            <td data-name="Last answer">
              {answeredAt === null
                ? (status === null ? "–" : "none yet")
                : <Time at={answeredAt} zone={user.timeZone} />}
            </td>
          </tr>
        ))}
      </Records>
      <p class="muted">
        Each is asked again when this page is, at most twice a minute. How one is switched on is in
        docs/providers.md and in .env.example: a key, or an address.
      </p>
      <section class="providers" aria-labelledby="abilities">
        <h2 id="abilities">What they can do</h2>
        {providers.filter(({ provider }) => provider.models.length > 0).map(({ provider }) => (
          <Abilities provider={provider} isOpen={modelCount <= mostShown} />
        ))}
      </section>
      {nodes.length > 0 && <Nodes nodes={nodes} zone={user.timeZone} />}
    </AdminLayout>
  );
}

/** Beyond these the tables are closed at first, and a list says only how many more there are. */
const mostShown = 8;

function namesOf(models: readonly Model[]): string {
  const more = models.length - mostShown;
  const names = models.slice(0, more > 1 ? mostShown : undefined).map(modelWords).join(", ");
  return more > 1 ? `${names} and ${more} more` : names;
}

function Nodes({ nodes, zone }: { nodes: readonly SeenNode[]; zone: User["timeZone"] }) {
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">Nodes</h2>
      <Records columns={["Node", "Runs", "Started", "Last seen"]}>
        {nodes.map(({ id, prompts, streams, startedAt, seenAt }) => (
          <tr>
            <th scope="row">{id}</th>
            <td data-name="Runs">
              {prompts} {prompts === 1 ? "prompt" : "prompts"}, {streams}{" "}
              {streams === 1 ? "stream" : "streams"}
            </td>
            <td data-name="Started">
              <Time at={startedAt} zone={zone} />
            </td>
            <td data-name="Last seen">
              <Time at={seenAt} zone={zone} />
            </td>
          </tr>
        ))}
      </Records>
    </section>
  );
}

function modelWords({ id, retiresAt }: Model): string {
  return retiresAt === null ? id : `${id} (until ${retiresAt})`;
}

function isFetching({ edit }: Model): boolean {
  return edit?.sources.by === "address";
}

function Abilities(
  { provider: { name, models, lots }, isOpen }: { provider: Provider; isOpen: boolean },
) {
  return (
    <details class="abilities" open={isOpen}>
      <summary>
        {name} <span class="muted">{models.length === 1 ? "1 model" : `${models.length} models`}</span>
      </summary>
      <Records
        columns={["Model", "Sizes", "At once", "Pictures given", "Part that may change", "Also", "Lots"]}
      >
        {models.map((model) => (
          <tr>
            <th scope="row">
              {model.id}
              {model.isUnpriced && <p class="muted">no price is known</p>}
            </th>
            <td data-name="Sizes">{sizesWords(model)}</td>
            <td data-name="At once">{model.maxCount}</td>
            <td data-name="Pictures given">{model.edit === null ? "none" : givenWords(model.edit)}</td>
            <td data-name="Part that may change">
              {model.edit === null ? "–" : maskWords[model.edit.mask ?? "none"]}
            </td>
            <td data-name="Also">{optionWords(model)}</td>
            <td data-name="Lots">
              {lots === undefined || model.lots === undefined ? "no" : `up to ${model.lots.maxTasks}`}
            </td>
          </tr>
        ))}
      </Records>
    </details>
  );
}

function sizesWords({ sizes }: Model): string {
  const area = (size: string) => size.split("x").map(Number).reduce((a, b) => a * b, 1);
  const largest = sizes.reduce((a, b) => area(b) > area(a) ? b : a);
  return sizes.length === 1 ? sizeWords(sizes[0]) : `${sizes.length}, up to ${sizeWords(largest)}`;
}

function givenWords({ sources: { max, by } }: EditAbility): string {
  const count = max === 1 ? "1" : `up to ${max}`;
  return by === "address" ? `${count}, which it fetches` : count;
}

const maskWords: { [form in MaskForm | "none"]: string } = {
  alpha: "transparent in a mask",
  white: "white in a mask",
  "binary-white": "white in a mask",
  black: "black in a mask",
  none: "in words; Darkroom keeps the rest",
};

function optionWords(
  { options: { seed, negativePrompt, guidance, steps }, edit, previews, progress }: Model,
): string {
  const words = [
    ...(seed ? ["seed"] : []),
    ...(negativePrompt ? ["what to leave out"] : []),
    ...(guidance === null ? [] : ["guidance"]),
    ...(steps === null ? [] : ["steps"]),
    ...(edit === null || edit.strength === null ? [] : ["strength"]),
    ...(progress === "reported" ? ["percentage"] : []),
    ...(previews ? ["previews"] : []),
  ];
  return words.join(", ") || "–";
}
