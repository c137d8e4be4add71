/**
 * What is known of one prompt, picture, board, publication, lot, user, session or API key, for whoever has to find out why something stands
 * still: states, lease, handle, books, index entries, blobs. Never anybody's words, name or address, and no secret:
 * what people wrote, and what providers said about it, stays in the records.
 */
import { z } from "zod";
import { isId } from "../../ids.ts";
import { Refusal } from "../../refusal.ts";
import type { InspectDeps, Inspection } from "./facts.ts";
import { inspectPrompt } from "./inspect_prompt.ts";
import { inspectBatch, inspectLot } from "./inspect_batch.ts";
import { inspectPublication, inspectReport } from "./inspect_publication.ts";
import { inspectBoard, inspectBoardDeletion, inspectImage, inspectMask } from "./inspect_image.ts";
import {
  inspectApiKey,
  inspectCharge,
  inspectDeletion,
  inspectSession,
  inspectUser,
} from "./inspect_person.ts";

const sessionHash = /^[0-9a-f]{64}$/;

/** Other text may be a secret that was pasted, so it is refused without being repeated. */
export const inspectedId = z.string().refine(
  (text) => isId(text) || sessionHash.test(text),
  "inspect takes the id of a prompt, picture, mask, board, lot, user or API key, or the hash of a session",
);

/** Refuses with `not_found` what names nothing. */
export async function inspect(deps: InspectDeps, id: string): Promise<Inspection> {
  const looks = sessionHash.test(id) ? [inspectSession] : [
    inspectPrompt,
    inspectBatch,
    inspectImage,
    inspectMask,
    inspectBoard,
    inspectBoardDeletion,
    inspectPublication,
    inspectReport,
    inspectLot,
    inspectUser,
    inspectDeletion,
    inspectCharge,
    inspectApiKey,
  ];
  for (const look of looks) {
    const found = await look(deps, id);
    if (found !== null) return found;
  }
  throw new Refusal("not_found", "Nothing has this id");
}
