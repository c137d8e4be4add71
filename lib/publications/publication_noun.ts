/** What publications, what happened to them and reports state of themselves (`store/noun.ts`). */
import { idInValue, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { isWaiting, type Publication, type PublicationState } from "./publication.ts";
import type { PublicationEvent, Report } from "./publication_store.ts";

export interface PublicationFacts {
  id: string;
  authorId: string;
  imageId: string;
  sequence: number;
  shownNumber: number | null;
  state: PublicationState;
  isWaiting: boolean;
}

export const publicationNoun: Noun<Publication, PublicationFacts> = {
  kind: kinds.publications,
  facts: ({ value }) => {
    const { id, authorId, imageId, sequence, shownNumber, state } = value;
    return { id, authorId, imageId, sequence, shownNumber, state, isWaiting: isWaiting(value) };
  },
  implied: ({ id, authorId, imageId, sequence, shownNumber, state, isWaiting }) => {
    const shown = state === "SHOWN" && shownNumber !== null ? { number: shownNumber, id } : null;
    return [
      listed(lists.publications(authorId), { number: sequence, id }),
      ...shown === null
        ? []
        : [listed(lists.shownPublications(), shown), listed(lists.shownPublicationsOf(authorId), shown)],
      ...isWaiting ? [listed(lists.waitingPublications(), { number: sequence, id })] : [],
      ...state === "WITHDRAWN" ? [] : [{ key: keys.published(imageId), value: id }],
      { key: keys.publicationOf(imageId, id), value: id },
    ];
  },
  indexes: [
    { prefix: kinds.publicationLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.shownPublications, name: "list_entry", recordId: idInValue },
    { prefix: kinds.shownPublicationLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.waitingPublications, name: "list_entry", recordId: idInValue },
    { prefix: kinds.published, name: "published_entry", recordId: idInValue },
    { prefix: kinds.publicationsOf, name: "published_entry", recordId: idInValue },
  ],
};

export const publicationEventNoun: Noun<PublicationEvent, Pick<PublicationEvent, "id">> = {
  kind: kinds.publicationEvents,
  facts: ({ value: { id } }) => ({ id }),
  implied: () => [],
  indexes: [],
};

export type ReportFacts = Pick<Report, "id" | "publicationId" | "reporterId">;

export const reportNoun: Noun<Report, ReportFacts> = {
  kind: kinds.reports,
  facts: ({ value: { id, publicationId, reporterId } }) => ({ id, publicationId, reporterId }),
  implied: ({ id, publicationId, reporterId }) => [
    { key: keys.reportOf(publicationId, id), value: id },
    ...reporterId === null ? [] : [{ key: keys.reportBy(reporterId, id), value: id }],
  ],
  indexes: [
    { prefix: kinds.reportsOf, name: "report_entry", recordId: idInValue },
    { prefix: kinds.reportsBy, name: "report_entry", recordId: idInValue },
  ],
};
