/** What is known of a publication and of a report, without anybody's words. */
import { isWaiting, type Publication } from "../../publications/publication.ts";
import type { Report } from "../../publications/publication_store.ts";
import { countRemixes } from "../../publications/remixes.ts";
import { areShown } from "../../publications/visible.ts";
import { entryKey } from "../../store/counted_list.ts";
import { keys, lists } from "../../store/schema.ts";
import { read } from "../../store/store.ts";
import { type InspectDeps, type Inspection, isoTime } from "./facts.ts";
import { entriesOf } from "./inspect_prompt.ts";

export async function inspectPublication({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<Publication>(store.kv, keys.publication(id));
  if (found === null) return null;
  const { state, authorId, imageId, sequence, shownNumber, openReports, isHiddenByReports, createdAt } =
    found.value;
  const [isShown] = await areShown(store, [found.value]);
  const implied = [entryKey(lists.publications(authorId), sequence)];
  const possible = [entryKey(lists.waitingPublications(), sequence), keys.published(imageId)];
  return {
    kind: "publication",
    id,
    stands: isShown
      ? "Everybody sees it, where there is a public gallery"
      : state === "WITHDRAWN"
      ? "It was withdrawn"
      : "Its author and moderators see it",
    state,
    userId: authorId,
    imageId,
    sequence,
    shownNumber,
    isWaiting: isWaiting(found.value),
    openReports,
    isHiddenByReports,
    remixes: await countRemixes(store, id),
    createdAt: isoTime(createdAt),
    indexes: await entriesOf(store, { implied, possible }),
  };
}

export async function inspectReport({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<Report>(store.kv, keys.report(id));
  if (found === null) return null;
  const { publicationId, reporterId, reason, at } = found.value;
  const stands = "A moderator sees it with the publication";
  return { kind: "report", id, stands, publicationId, userId: reporterId, reason, at: isoTime(at) };
}
