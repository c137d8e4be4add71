/** Verifying a database that others write to meanwhile, and of which there is no copy that stands still. */
import type { Blobs } from "../blobs/blobs.ts";
import type { StoreView } from "./records.ts";
import { verify, type VerifyReport } from "./verify.ts";

const mostLooks = 4;

/**
 * What is read takes a while, so something may look wrong only because it changed meanwhile. That is gone at the next
 * look, or is put in other words: what each of several looks finds, in the same words, is wrong.
 */
export async function verifyInUse(view: StoreView, deps: { blobs: Blobs }): Promise<VerifyReport> {
  let report = await verify(view, deps);
  for (let look = 1; look < mostLooks && report.violations.length > 0; look++) {
    const found = new Set(report.violations.map(nameOf));
    const next = await verify(view, deps);
    report = { ...next, violations: next.violations.filter((violation) => found.has(nameOf(violation))) };
  }
  return report;
}

function nameOf({ rule, subject, detail }: VerifyReport["violations"][number]): string {
  return JSON.stringify([rule, subject, detail]);
}
