/**
 * Reports about what is shown, with or without an account. Whoever reports gets an id to ask after it. What one member
 * says several times counts once, and so do the many who say the same without an account.
 */
import { isId } from "../ids.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import { addNotice } from "../users/notice.ts";
import { readUser, type User } from "../users/user.ts";
import { type DecidedState, type Publication, reported, type ReportReason } from "./publication.ts";
import {
  addEvent,
  listReports,
  readPublication,
  type Report,
  writePublication,
} from "./publication_store.ts";
import { publicationLock } from "./publish.ts";
import { areShown } from "./visible.ts";

/** Open ones of one publication that are read together; many more are said to be the same as earlier ones. */
export const mostOpenReports = 200;
/** Reports without an account for one reason that are kept apart. */
const mostUnnamed = 20;

/** Refuses with `not_found` what nobody sees, and so what is hidden or withdrawn already. */
export function reportPublication(
  store: Store,
  { publicationId, reporter, reason, text }: {
    publicationId: string;
    reporter: User | null;
    reason: ReportReason;
    text: string;
  },
): Promise<Report> {
  if (!isId(publicationId)) throw notFound();
  return store.locks.hold(publicationLock(publicationId), async () => {
    while (true) {
      const before = await readPublication(store, publicationId);
      if (before === null) throw notFound();
      const [isShown] = await areShown(store, [before.value]);
      if (!isShown) throw notFound();
      const reporterId = reporter?.id ?? null;
      const known = await findSame(store, { publication: before.value, reporterId, reason });
      if (known !== null) return known;
      const at = store.now();
      const report: Report = { id: store.ids(), publicationId, reporterId, reason, text, at };
      const after = reported(before.value, { reason, reporterId, at });
      const atomic = store.kv.atomic();
      writePublication(atomic, { before, after });
      addReport(atomic, report);
      if (after.state === "HIDDEN") await tellOfHiding(atomic, { store, after });
      if (await commit(atomic) !== null) return report;
    }
  });
}

/** What was said of it already, by the same member or without an account, and is not dealt with. */
async function findSame(
  store: Store,
  { publication, reporterId, reason }: {
    publication: Publication;
    reporterId: string | null;
    reason: ReportReason;
  },
): Promise<Report | null> {
  const open = await openReports(store, publication);
  const same = open.filter((report) => report.reporterId === reporterId && report.reason === reason);
  if (reporterId !== null) return same[0] ?? null;
  return same.length >= mostUnnamed || open.length >= mostOpenReports ? same[0] ?? null : null;
}

/** Those that no moderator has dealt with, the latest first. */
export async function openReports(
  store: Store,
  { id, openReports, decision }: Publication,
): Promise<Report[]> {
  if (openReports === 0) return [];
  const limit = Math.min(openReports, mostOpenReports);
  const reports = await listReports(store, { publicationId: id, limit });
  return reports.filter(({ at }) => decision === null || at >= decision.at);
}

function addReport(atomic: Deno.AtomicOperation, report: Report): void {
  const { id, publicationId, reporterId } = report;
  const key = keys.report(id);
  atomic.check({ key, versionstamp: null }).set(key, report).set(keys.reportOf(publicationId, id), id);
  if (reporterId !== null) atomic.set(keys.reportBy(reporterId, id), id);
}

async function tellOfHiding(
  atomic: Deno.AtomicOperation,
  { store, after }: { store: Store; after: Publication },
): Promise<void> {
  addEvent(atomic, { store, after, actorId: null, what: "hidden_by_reports" });
  if (await readUser(store, after.authorId) === null) return;
  await addNotice(atomic, {
    store,
    userId: after.authorId,
    kind: "moderation",
    href: "/published",
    words: `“${after.title}” was reported and is hidden until a moderator has looked at it`,
    byId: null,
  });
}

/** What whoever reported is told. */
export interface ReportState {
  report: Report;
  /** Null: nobody has looked at it yet. `GONE`: it was withdrawn. */
  outcome: DecidedState | "GONE" | null;
  decidedAt: number | null;
}

/** Anybody who knows the id may ask; refuses with `not_found`. */
export async function findReport(store: Store, reportId: string): Promise<ReportState> {
  const found = isId(reportId) ? await read<Report>(store.kv, keys.report(reportId)) : null;
  if (found === null) throw notFound();
  const report = found.value;
  const publication = await readPublication(store, report.publicationId);
  if (publication === null || publication.value.state === "WITHDRAWN") {
    return { report, outcome: "GONE", decidedAt: null };
  }
  const { decision } = publication.value;
  if (decision === null || decision.at < report.at) return { report, outcome: null, decidedAt: null };
  return { report, outcome: decision.state, decidedAt: decision.at };
}
