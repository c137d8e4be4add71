/**
 * The nodes that share a database. Each says every few seconds that it lives, and what it does. What all of them must
 * have alike (the secret, the providers) is noted when the first one comes; another that has it otherwise is turned away
 * for as long as one of them lives, since each could undo what the others do.
 */
import { sha256 } from "../digest.ts";
import type { Log } from "../log.ts";
import { StartError } from "../refusal.ts";
import { keys, kinds } from "./schema.ts";
import { commit, read, type Store } from "./store.ts";

export interface NodeRecord {
  startedAt: number;
  seenAt: number;
  /** Of the records that it reads and writes. */
  version: number;
  /** Prompts that it runs, and streams that it serves. */
  prompts: number;
  streams: number;
}

export interface SeenNode extends NodeRecord {
  id: string;
}

/** What all nodes have alike, as digests. */
export interface NodeSettings {
  secret: string;
  providers: string;
}

interface StoredSettings extends NodeSettings {
  /** A node that joins writes it anew, so of two that join at once one looks again. */
  joinedAt: number;
}

/** `providers` are their names with their addresses and what decides which models they have, in order. */
export function digestSettings(
  { secret, providers }: { secret: string; providers: readonly string[] },
): NodeSettings {
  return {
    secret: sha256(`darkroom node ${secret}`),
    providers: sha256(JSON.stringify(providers)),
  };
}

const renewEveryMs = 5000;
/** A node that was not seen for so long counts as gone. */
const goneAfterMs = 30_000;
const keptMs = 60_000;

/** All that were seen lately, whoever started first at the beginning. */
export async function listNodes({ kv, now }: Pick<Store, "kv" | "now">): Promise<SeenNode[]> {
  const found = await Array.fromAsync(kv.list<NodeRecord>({ prefix: [...kinds.nodes] }));
  return found.map(({ key, value }) => ({ id: String(key[1]), ...value }))
    .filter(({ seenAt }) => now() - seenAt < goneAfterMs)
    .sort((a, b) => a.startedAt - b.startedAt);
}

export interface JoinDeps extends Pick<Store, "kv" | "now"> {
  nodeId: string;
  settings: NodeSettings;
  version: number;
}

/**
 * Becomes one of the nodes. Throws `StartError` where another one lives that has a setting otherwise, or that is of an
 * older program, whose records would be migrated under it.
 */
export async function joinNodes(deps: JoinDeps): Promise<void> {
  const { kv, now, nodeId, settings, version } = deps;
  while (true) {
    const stored = await read<StoredSettings>(kv, keys.nodeSettings());
    const others = (await listNodes(deps)).filter(({ id }) => id !== nodeId);
    if (others.length > 0) demandAlike(deps, { stored: stored?.value ?? null, others });
    const record: NodeRecord = { startedAt: now(), seenAt: now(), version, prompts: 0, streams: 0 };
    const value: StoredSettings = { ...settings, joinedAt: now() };
    const atomic = kv.atomic().check({
      key: keys.nodeSettings(),
      versionstamp: stored?.versionstamp ?? null,
    }).set(keys.nodeSettings(), value).set(keys.node(nodeId), record, { expireIn: keptMs });
    if (await commit(atomic) !== null) return;
  }
}

function demandAlike(
  { settings, version }: JoinDeps,
  { stored, others }: { stored: NodeSettings | null; others: readonly SeenNode[] },
): void {
  if (stored !== null && stored.secret !== settings.secret) {
    throw new StartError("SECRET is another one than that of the nodes that run: all take the same");
  }
  if (stored !== null && stored.providers !== settings.providers) {
    throw new StartError(
      "The providers are others than those of the nodes that run: all take the same ones, at the same addresses, and the same ComfyUI templates",
    );
  }
  if (others.some((other) => other.version < version)) {
    throw new StartError("Nodes of an older Darkroom run: stop all of them, then start this one");
  }
}

export interface Membership {
  /** Says from now on that this node lives; calls back where it is none any more. */
  start(): void;
  stop(): Promise<void>;
}

export interface MembershipDeps extends JoinDeps {
  /** What it does at the moment. */
  load: () => Pick<NodeRecord, "prompts" | "streams">;
  log: Log;
  /** Others have taken over with another setting or newer records, while this node stood still. */
  onTurnedAway: (reason: string) => void;
  renewMs?: number;
}

export function createMembership(deps: MembershipDeps): Membership {
  const { kv, now, nodeId, version, load, log, renewMs = renewEveryMs } = deps;
  const startedAt = now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewing: Promise<void> = Promise.resolve();
  let isStopped = false;

  return {
    start: renewLater,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await renewing;
      // Whoever starts next need not wait for it to be forgotten.
      await commit(kv.atomic().delete(keys.node(nodeId)))
        .catch((error) => log("warn", "node_not_signed_off", { error }));
    },
  };

  function renewLater(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      renewing = renew().catch((error) => log("error", "node_not_renewed", { error })).then(renewLater);
    }, renewMs);
  }

  async function renew(): Promise<void> {
    const [settings, records] = await kv.getMany<[StoredSettings, { version: number }]>([
      keys.nodeSettings(),
      keys.recordsVersion(),
    ]);
    const reason = reasonToLeave({ settings: settings.value, version: records.value?.version ?? version });
    if (reason !== null) return deps.onTurnedAway(reason);
    const record: NodeRecord = { startedAt, seenAt: now(), version, ...load() };
    await commit(kv.atomic().set(keys.node(nodeId), record, { expireIn: keptMs }));
  }

  function reasonToLeave(
    found: { settings: NodeSettings | null; version: number },
  ): string | null {
    const { secret, providers } = found.settings ?? deps.settings;
    if (secret !== deps.settings.secret) return "SECRET is another one than that of the nodes that run";
    if (providers !== deps.settings.providers) {
      return "The providers are others than those of the nodes that run";
    }
    return found.version > version ? "The records are of a newer Darkroom by now" : null;
  }
}

/** Whose the bucket is: the first node's, for good. */
export async function readSharedInstanceId(kv: Deno.Kv, nodeId: string): Promise<string> {
  while (true) {
    const stored = await read<string>(kv, keys.instance());
    if (stored !== null) return stored.value;
    await commit(
      kv.atomic().check({ key: keys.instance(), versionstamp: null }).set(keys.instance(), nodeId),
    );
  }
}
