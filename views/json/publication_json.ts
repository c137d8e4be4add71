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
  kind: z.enum(["publication", "share"]).describe("Of what is shared by a link nothing more is told."),
  publicationId: idValue.nullable(),
  title: z.string().nullable(),
  author: z.string().nullable(),
}).meta({
  id: "Credit",
  description:
    "What something goes back to: title and name are null where it is not shown any more, and the id where it was not published but shared.",
});

export const publicationShape = z.strictObject({
  id: idValue,
  state: publicationStateValue,
  title: z.string(),
  author: z.string().nullable().describe("The person's name; null where there is no account any more."),
  imageUrl: z.url(),
  width: z.int().positive().nullable().describe("In pixels; null where the picture was deleted."),
  height: z.int().positive().nullable(),
  prompt: z.string().nullable().describe("Null where it is not shown, and for an upload."),
  model: z.string().nullable().describe("Null for an upload."),
  showPrompt: z.boolean(),
  allowRemix: z.boolean(),
  sensitive: z.boolean(),
  remixes: z.int().nonnegative().describe("How often it was remixed."),
  credit: creditShape.nullable().describe("What it goes back to; null where it is its author's own."),
  createdAt: timeValue,
  reason: z.string().nullable().describe(
    "What a moderator said last; null for everybody but its author and moderators.",
  ),
  appealed: z.boolean().nullable().describe("Whether there was an appeal; null as `reason` is."),
  imageId: idValue.nullable().describe("Of the picture, for its author; null for everybody else."),
}).meta({ id: "Publication", description: "A picture in the public gallery." });

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
    state: z.enum(["OPEN", "KEPT", "TAKEN_DOWN", "GONE"]).describe(
      "`OPEN` until a moderator has looked; `KEPT`: it is shown; `TAKEN_DOWN`; `GONE`: its author has withdrawn it.",
    ),
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
