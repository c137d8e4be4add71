/// <reference lib="deno.worker" />
/** The thread in which `copyDatabase` runs; answers null, or what went wrong. */
import { backup, DatabaseSync } from "node:sqlite";

self.onmessage = async ({ data: { from, to } }: MessageEvent<{ from: string; to: string }>) => {
  try {
    const database = new DatabaseSync(from, { readOnly: true });
    try {
      await backup(database, to, { rate: -1 });
    } finally {
      database.close();
    }
    self.postMessage(null);
  } catch (error) {
    self.postMessage(error instanceof Error ? error.message : String(error));
  }
};
