/**
 * How this Darkroom is, in the text that Prometheus reads: what was counted since the process began, and what there is
 * at this moment, read when it is asked for.
 */
import { Gauge } from "prom-client";
import type { ProviderHealth } from "../../catalog/health.ts";
import type { Provider } from "../../catalog/provider.ts";
import type { Changes } from "../../live/changes.ts";
import type { Log } from "../../log.ts";
import type { Readiness } from "../../readiness.ts";
import { recordsVersion } from "../../store/migrations.ts";
import type { Store } from "../../store/store.ts";
import { version } from "../../version.ts";
import { type Figures, mostRead, readFigures } from "./figures.ts";
import type { Meters } from "./meters.ts";

export interface Metrics {
  readonly contentType: string;
  /** Whoever asks sends it; null: it is not shown on the site's own port. */
  readonly token: string | null;
  read(): Promise<string>;
}

/** What is measured, and for whom. */
export interface Measured {
  meters: Meters;
  token: string | null;
  /** Of the data directory; null: nothing is kept there. */
  readDisk: (() => Promise<DiskFigures>) | null;
}

/** In bytes. */
export interface DiskFigures {
  free: number;
  database: number;
}

export interface MetricsDeps extends Measured {
  store: Store;
  log: Log;
  readiness: Pick<Readiness, "failures">;
  /** What readiness looks at. */
  parts: readonly string[];
  changes: Pick<Changes, "streamCount">;
  health: Pick<ProviderHealth, "known">;
  providers: readonly Pick<Provider, "id">[];
}

const freshMs = 5000;
/** A database that stands still must not keep the rest from being told; scrapers wait for ten seconds. */
const patienceMs = 4000;

export function createMetrics(deps: MetricsDeps): Metrics {
  const { meters: { registry }, token } = deps;
  addGauges(deps);
  return { contentType: registry.contentType, token, read: () => registry.metrics() };
}

function addGauges(deps: MetricsDeps): void {
  const { meters: { registry, modelLabel }, store, readiness, parts, changes, health, providers } = deps;
  const registers = [registry];
  const figures = keptFresh(deps, "figures", () => readFigures(store));
  const disk = keptFresh(deps, "disk", () => deps.readDisk?.() ?? Promise.resolve(null));

  /** One number of what was read; none where it could not be. */
  const number = <T>(
    { name, help }: { name: string; help: string },
    { read, of }: { read: () => Promise<T | null>; of: (read: T) => number | null },
  ) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const found = await read();
        const value = found === null ? null : of(found);
        this.reset();
        if (value === null) this.remove();
        else this.set(value);
      },
    });

  new Gauge({
    name: "darkroom_build_info",
    help: "Which Darkroom this is; always 1.",
    labelNames: ["version", "records_version", "deno"],
    registers,
  }).set({ version, records_version: String(recordsVersion), deno: Deno.version.deno }, 1);
  new Gauge({
    name: "darkroom_ready",
    help: "Whether a part answers: 1 or 0.",
    labelNames: ["part"],
    registers,
    async collect() {
      const failing = new Set((await readiness.failures()).map(({ part }) => part));
      for (const part of parts) this.set({ part }, failing.has(part) ? 0 : 1);
    },
  });
  new Gauge({
    name: "darkroom_provider_up",
    help:
      "What a provider last said of itself or did: 1 is well, 0 is not; left out as long as nothing is known.",
    labelNames: ["provider"],
    registers,
    collect() {
      this.reset();
      for (const { id: provider } of providers) {
        const status = health.known(provider);
        if (status !== null) this.set({ provider }, status.state === "ok" ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: "darkroom_open_streams",
    help: "Streams of events that are open on this node.",
    registers,
    collect() {
      this.set(changes.streamCount());
    },
  });
  new Gauge({
    name: "darkroom_prompts",
    help: `Prompts that have not ended, by state; of those that wait the first ${mostRead}.`,
    labelNames: ["state", "model"],
    registers,
    async collect() {
      const found = await figures();
      this.reset();
      if (found === null) return;
      const states = { pending: found.waiting, processing: found.running };
      for (const [state, counts] of Object.entries(states)) {
        for (const [model, count] of counts) this.inc({ state, model: modelLabel(model) }, count);
      }
    },
  });
  number(
    {
      name: "darkroom_queue_length",
      help: `Prompts that wait for their turn; there may be more than ${mostRead}.`,
    },
    { read: figures, of: ({ waiting }) => sum(waiting) },
  );
  number(
    {
      name: "darkroom_queue_oldest_age_seconds",
      help: "How long the oldest prompt that waits for its turn has waited; 0: none does.",
    },
    { read: figures, of: ({ oldestWaitMs }) => oldestWaitMs / 1000 },
  );
  number(
    { name: "darkroom_queue_delayed", help: "Prompts that are tried again later." },
    { read: figures, of: ({ delayed }) => delayed },
  );
  number(
    {
      name: "darkroom_holds_micro_dollars",
      help: "What is set aside for prompts that have not ended, in millionths of a dollar.",
    },
    { read: figures, of: ({ heldMicros }) => heldMicros },
  );
  number(
    {
      name: "darkroom_pictures_bytes",
      help: "How large all pictures are as they are shown; originals and thumbnails come on top.",
    },
    { read: figures, of: ({ pictureBytes }) => pictureBytes },
  );
  number(
    {
      name: "darkroom_backup_last_success_timestamp_seconds",
      help:
        "When the last good one of the backups that are taken by themselves was taken; none: there is none.",
    },
    { read: figures, of: ({ backedUpAt }) => backedUpAt === null ? null : backedUpAt / 1000 },
  );
  number(
    { name: "darkroom_database_bytes", help: "How large the database is on the disk." },
    { read: disk, of: ({ database }) => database },
  );
  number(
    { name: "darkroom_disk_free_bytes", help: "What is free on the disk of the data directory." },
    { read: disk, of: ({ free }) => free },
  );
}

function sum(counts: Figures["waiting"]): number {
  return counts.values().reduce((all, count) => all + count, 0);
}

/** Asked at most every few seconds, also by several gauges at once; null: it could not be read, which is logged. */
function keptFresh<T>(
  { store: { now }, log }: MetricsDeps,
  what: string,
  read: () => Promise<T>,
): () => Promise<T | null> {
  let latest: { at: number; read: Promise<T | null> } | null = null;
  return () => {
    if (latest === null || Math.abs(now() - latest.at) >= freshMs) {
      latest = { at: now(), read: inTime(read()).catch(unread) };
    }
    return latest.read;
  };

  function unread(error: unknown): null {
    log("warn", "metrics_not_read", { what, error });
    return null;
  }
}

async function inTime<T>(read: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer in time")), patienceMs);
  try {
    return await Promise.race([read, promise]);
  } finally {
    clearTimeout(timer);
  }
}
