/** What inspections are made of: plain facts, never words, names, addresses or secrets. */
import { blobKeysOf, type Blobs } from "../../blobs/blobs.ts";
import { type Image, storedBlobs } from "../../images/image.ts";
import type { Charge } from "../../money/charge.ts";
import type { Store } from "../../store/store.ts";

/** Plain JSON; times are ISO, amounts are in micro-dollars. */
export type Fact = string | number | boolean | null | Fact[] | { [name: string]: Fact };

export interface Inspection {
  kind:
    | "prompt"
    | "batch"
    | "image"
    | "mask"
    | "board"
    | "publication"
    | "report"
    | "lot"
    | "user"
    | "session"
    | "API key"
    | "deleted account"
    | "charge";
  id: string;
  /** In one sentence: what it waits for, or that nothing is to be done. */
  stands: string;
  [fact: string]: Fact;
}

export interface InspectDeps {
  store: Store;
  blobs: Pick<Blobs, "exists">;
}

export function chargeFacts({ costMicros, basis }: Charge): { [name: string]: Fact } {
  return { costMicros, basis };
}

/** What the record names must be there; thumbnails and copies are made when they are asked for. */
export async function blobFacts({ blobs }: InspectDeps, image: Image): Promise<Fact> {
  const due = new Set(storedBlobs(image).map(({ key }) => key));
  const wanted = [...due.union(new Set(blobKeysOf(image.id)))];
  const found = await Promise.all(wanted.map((key) => blobs.exists(key)));
  return Object.fromEntries(
    wanted.map((key, i): [string, Fact] => [key, found[i] ? "there" : due.has(key) ? "missing" : "none"]),
  );
}

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
