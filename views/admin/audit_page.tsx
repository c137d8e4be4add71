/** Who changed what about accounts, newest first. */
import type { AuditAction, AuditEntry } from "../../lib/users/audit.ts";
import type { User } from "../../lib/users/user.ts";
import { AdminLayout } from "./layout.tsx";
import { dollars, sizeWords } from "../shell/format.ts";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

export function AdminAuditPage({ user, entries, names, next, isFirst }: {
  user: User;
  entries: AuditEntry[];
  /** Names by user id; whoever is not among them has no account any more. */
  names: Map<string, string>;
  /** Where the page after this one begins; null on the last. */
  next: string | null;
  isFirst: boolean;
}) {
  const nameOf = (userId: string) => names.get(userId) ?? `a deleted account (${userId})`;
  return (
    <AdminLayout name="Changes" user={user} current="/admin/audit">
      {entries.length === 0
        ? <p class="empty">Nothing was changed yet.</p>
        : (
          <Records columns={["What", "Who", "When"]}>
            {entries.map((entry) => (
              <tr data-action={entry.action}>
                <th scope="row">
                  {entry.subjectId !== null && `${nameOf(entry.subjectId)} `}
                  {words[entry.action](entry.detail ?? "")}
                </th>
                <td data-name="Who">{nameOf(entry.actorId)}</td>
                <td data-name="When">
                  <Time at={entry.at} zone={user.timeZone} />
                </td>
              </tr>
            ))}
          </Records>
        )}
      <nav class="more" aria-label="More">
        {!isFirst && <a class="button" href="/admin/audit">Newest</a>}
        {next && <a class="button" href={`/admin/audit?before=${next}`}>Older changes</a>}
      </nav>
    </AdminLayout>
  );
}

const words: { [action in AuditAction]: (detail: string) => string } = {
  joined: (role) => `joined as ${role}`,
  role: (role) => `became ${role}`,
  disabled: () => "was disabled",
  enabled: () => "was enabled",
  budget: (budget) => `has ${budgetWords(budget)}`,
  invited: (name) => `An invitation was made for ${name}`,
  invitation_revoked: (name) => `The invitation for ${name} was taken back`,
  account_deleted: () => "was deleted",
  price_added: priceWords,
  charge_corrected: chargeWords,
  queue_paused: pauseWords,
  queue_resumed: (id) => `${pausedName(id)} goes on`,
  moderator_made: () => "became a moderator",
  moderator_unmade: () => "is no moderator any more",
  publication_shown: (decision) => `is shown in the gallery with ${publicationWords(decision)}`,
  publication_refused: (decision) => `was refused ${publicationWords(decision)}`,
  publication_hidden: (decision) => `does not show any more ${publicationWords(decision)}`,
  publication_titled: (id) => `has another title on publication ${id}`,
  publication_sensitive: (id) => `shows publication ${id} as sensitive`,
  publication_not_sensitive: (id) => `shows publication ${id} as not sensitive any more`,
  publishing_stopped: (reason) => `was stopped from publishing${reason && `: ${reason}`}`,
  publishing_allowed: (reason) => `may publish again${reason && `: ${reason}`}`,
};

function publicationWords(decision: string): string {
  const [id, ...reason] = decision.split(" ");
  return `publication ${id}${reason.length > 0 ? `: ${reason.join(" ")}` : ""}`;
}

function pauseWords(pause: string): string {
  const [id, ...reason] = pause.split(" ");
  return `${pausedName(id)} was paused: ${reason.join(" ")}`;
}

function pausedName(id: string): string {
  return id === "all" ? "Everything" : `The provider ${id}`;
}

function priceWords(price: string): string {
  const [model, size, costMicros, validFrom, lane] = price.split(" ");
  const where = lane === undefined ? "" : `, ${lane} lane`;
  return `A price was added: ${model}, ${sizeWords(size)}${where}, ${
    dollars(Number(costMicros))
  } from ${validFrom} on`;
}

function chargeWords(charge: string): string {
  const [promptId, billedMicros] = charge.split(" ");
  return `A charge was put right: prompt ${promptId} was billed ${dollars(Number(billedMicros))}`;
}

function budgetWords(budget: string): string {
  if (budget === "default") return "the server's budget";
  return budget === "none" ? "no budget any more" : `a budget of ${dollars(Number(budget))} a month`;
}
