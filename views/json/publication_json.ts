/** A publication, the lists of publications, and a report about one. */
import { z } from "zod";
import type { Credit, PublicationView } from "../../lib/live/publication_view.ts";
import type { Seeing } from "../../lib/publications/visible.ts";
import type { ReportState } from "../../lib/publications/report.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, maybeIso, timeValue } from "./values.ts";

export const publicationStateValue = z.enum(["PENDING", "SHOWN", "REFUSED", "HIDDEN", "WITHDRAWN"]);

/** Title and name are null where it is not shown any more, and the id where it was not published but shared. */
export const creditShape = z.strictObject({
  /** Of what is shared by a link nothing more is told. */
  kind: z.enum(["publication", "share"]),
  publicationId: idValue.nullable(),
  title: z.string().nullable(),
  author: z.string().nullable(),
});

export const publicationShape = z.strictObject({
  id: idValue,
  state: publicationStateValue,
  title: z.string(),
  /** The person's name; null where there is no account any more. */
  author: z.string().nullable(),
  imageUrl: z.url(),
  /** In pixels; null where the picture was deleted. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  /** Null where it is not shown, and for an upload. */
  prompt: z.string().nullable(),
  /** Null for an upload. */
  model: z.string().nullable(),
  showPrompt: z.boolean(),
  allowRemix: z.boolean(),
  sensitive: z.boolean(),
  /** How often it was remixed. */
  remixes: z.int().nonnegative(),
  /** What it goes back to; null where it is its author's own. */
  credit: creditShape.nullable(),
  createdAt: timeValue,
  /** What a moderator said last; null for everybody but its author and moderators. */
  reason: z.string().nullable(),
  /** Whether there was an appeal; null as `reason` is. */
  appealed: z.boolean().nullable(),
  /** Of the picture, for its author; null for everybody else. */
  imageId: idValue.nullable(),
});

export function publicationFields(
  { publication, image, author, request, remixes, credit }: PublicationView,
  { publicUrl, seenAs }: { publicUrl: string; seenAs: Seeing },
): z.output<typeof publicationShape> {
  const { id, state, title, showPrompt, allowRemix, isSensitive, decision, appeal } = publication;
  const isOpen = seenAs === "anybody";
  return {
    id,
    state,
    title,
    author: author && author.name,
    imageUrl: `${publicUrl}/explore/${id}/file`,
    width: image && image.width,
    height: image && image.height,
    prompt: showPrompt ? request && request.text : null,
    model: request && request.model,
    showPrompt,
    allowRemix,
    sensitive: isSensitive,
    remixes,
    credit: credit && creditJson(credit),
    createdAt: iso(publication.createdAt),
    reason: isOpen ? null : decision && decision.reason,
    appealed: isOpen ? null : appeal !== null,
    imageId: seenAs === "author" ? publication.imageId : null,
  };
}

export function creditJson(credit: Credit): z.output<typeof creditShape> {
  const { kind } = credit;
  if (credit.kind === "share") return { kind, publicationId: null, title: null, author: null };
  const { publicationId, shown } = credit;
  return { kind, publicationId, title: shown && shown.title, author: shown && shown.author };
}

export const publicationAnswer = answer({ publication: publicationShape });

export function publicationJson(
  view: PublicationView,
  shown: { publicUrl: string; seenAs: Seeing },
): z.output<typeof publicationAnswer> {
  return { success: true, publication: publicationFields(view, shown) };
}

export const publicationListAnswer = answer({
  publications: z.array(publicationShape),
  pagination: paginationShape,
});

export function publicationListJson(
  views: readonly PublicationView[],
  { pagination, ...shown }: { publicUrl: string; seenAs: Seeing; pagination: Pagination },
): z.output<typeof publicationListAnswer> {
  return { success: true, publications: views.map((view) => publicationFields(view, shown)), pagination };
}

export const reportedAnswer = answer({ reportId: idValue });

export function reportedJson(reportId: string): z.output<typeof reportedAnswer> {
  return { success: true, reportId };
}

export const reportAnswer = answer({
  report: z.strictObject({
    id: idValue,
    /** `OPEN` until a moderator has looked; `KEPT`: it is shown; `TAKEN_DOWN`; `GONE`: its author has withdrawn it. */
    state: z.enum(["OPEN", "KEPT", "TAKEN_DOWN", "GONE"]),
    reason: z.string(),
    at: timeValue,
    decidedAt: timeValue.nullable(),
  }),
});

export function reportJson({ report, outcome, decidedAt }: ReportState): z.output<typeof reportAnswer> {
  const { id, reason, at } = report;
  const state = reportStateOf(outcome);
  return { success: true, report: { id, state, reason, at: iso(at), decidedAt: maybeIso(decidedAt) } };
}

export function reportStateOf(outcome: ReportState["outcome"]): "OPEN" | "KEPT" | "TAKEN_DOWN" | "GONE" {
  if (outcome === null) return "OPEN";
  if (outcome === "GONE") return "GONE";
  return outcome === "SHOWN" ? "KEPT" : "TAKEN_DOWN";
}
