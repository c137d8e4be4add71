/**
 * Duties: work in the background that exactly one node does, such as sweeping. Where several use the store, whoever does
 * it holds a lease `duty` name, and another takes it over when that one is gone; where only one does, it has them all,
 * and nothing is stored.
 *
 * A node that was stopped for a while, and goes on without knowing that another has taken over, must do no harm until it
 * notices: whatever a job does is a commit that checks what it builds on, or may be done twice, or is done only if its
 * `Held` is sure at that moment.
 */
import type { Log } from "../log.ts";
import {
  createLapses,
  createTenure,
  type LeaseTimes,
  type Moment,
  momentOf,
  type Tenure,
  usualLeaseTimes,
} from "./lapse.ts";
import { keys } from "./schema.ts";
import { commit, readMany, type Store, type Versioned } from "./store.ts";

/** A duty as whoever does it sees it. */
export interface Held {
  /** No other node can have it as yet: to be asked before what can't be undone. */
  isSure(): boolean;
}

/** One node's turn at a duty, from when it gets it until it loses it, or stops. */
export interface Job {
  /** Takes up what another left. */
  start(): void | Promise<void>;
  stop(): Promise<void>;
}

export type Jobs = { readonly [name: string]: (held: Held) => Job };

export interface Duties {
  /** Does them, each as soon as it is this node's; begins before this returns with those that are at once. */
  start(jobs: Jobs): Promise<void>;
  /** Another node gets them at once. */
  stop(): Promise<void>;
}

/** The record of a duty. */
export interface DutyLease {
  /** Id of the node that has it. */
  owner: string;
  /** How often it changed hands, and how often whoever has it now has said since that it is still there. */
  number: number;
  renewals: number;
  /** Whoever had it does not do it any more. */
  isGivenBack: boolean;
}

export interface DutyDeps {
  store: Store;
  /** Names this node, also after it was started again. */
  nodeId: string;
  log: Log;
  times?: LeaseTimes;
}

export function createDuties(deps: DutyDeps): Duties {
  return deps.store.isShared ? createSharedDuties(deps) : createOwnDuties(deps);
}

/** Nobody else is there to do them. */
function createOwnDuties(_: DutyDeps): Duties {
  const running: Job[] = [];
  return {
    async start(jobs) {
      for (const create of Object.values(jobs)) {
        const job = create({ isSure: () => true });
        running.push(job);
        await job.start();
      }
    },
    stop: async () => void await Promise.all(running.map((job) => job.stop())),
  };
}

type DutyName = string;

/** A duty that this node has. */
interface Turn {
  lease: Versioned<DutyLease>;
  tenure: Tenure;
  renewedAt: number;
  job: Job;
  /** Resolves when the job has begun. */
  begun: Promise<void>;
  watchdog: ReturnType<typeof setTimeout> | undefined;
}

interface State {
  deps: DutyDeps;
  times: LeaseTimes;
  jobs: Jobs;
  turns: Map<DutyName, Turn>;
  /** Those whose job is still being stopped. */
  ending: Map<DutyName, Promise<void>>;
  lapses: ReturnType<typeof createLapses>;
  looking: Promise<void> | null;
  timer: ReturnType<typeof setTimeout> | undefined;
  isStopped: boolean;
}

function createSharedDuties(deps: DutyDeps): Duties {
  const times = deps.times ?? usualLeaseTimes;
  const state: State = {
    deps,
    times,
    jobs: {},
    turns: new Map(),
    ending: new Map(),
    lapses: createLapses({ monotonic: deps.store.monotonic, times }),
    looking: null,
    timer: undefined,
    isStopped: false,
  };
  return {
    async start(jobs) {
      state.jobs = jobs;
      await look(state);
      await Promise.all(Array.from(state.turns.values(), ({ begun }) => begun));
    },
    stop: () => stop(state),
  };
}

/** Renews what this node has, takes what nobody has any more, and looks again in a while. */
function look(state: State): Promise<void> {
  const { deps: { log }, times } = state;
  return state.looking = lookOnce(state)
    .catch((error) => log("error", "duties_trouble", { error }))
    .then(() => {
      if (!state.isStopped) state.timer = setTimeout(() => void look(state), times.lookEveryMs);
    });
}

async function lookOnce(state: State): Promise<void> {
  const { turns, jobs } = state;
  await Promise.all(Array.from(turns.keys(), (name) => renew(state, name)));
  const names = Object.keys(jobs);
  const { all, lapsed } = await state.lapses.look(() => readDuties(state.deps.store, names));
  for (const { name, found } of all) {
    if (isFree(state, { name, found, lapsed })) await take(state, { name, found });
  }
}

interface FoundDuty {
  name: DutyName;
  mark: string;
  found: Versioned<DutyLease> | null;
}

async function readDuties({ kv }: Store, names: readonly DutyName[]): Promise<FoundDuty[]> {
  const found = await readMany<DutyLease>(kv, names.map(keys.duty));
  return names.map((name, i) => ({ name, mark: found[i]?.versionstamp ?? "", found: found[i] }));
}

function isFree(
  { turns, ending, isStopped, deps: { nodeId } }: State,
  { name, found, lapsed }: { name: DutyName; found: Versioned<DutyLease> | null; lapsed: Set<string> },
): boolean {
  if (isStopped || turns.has(name) || ending.has(name)) return false;
  // An earlier process of this node had it, or this one was not sure of it for a while.
  return found === null || found.value.isGivenBack || found.value.owner === nodeId || lapsed.has(name);
}

async function take(
  state: State,
  { name, found }: { name: DutyName; found: Versioned<DutyLease> | null },
): Promise<void> {
  const { deps: { store, nodeId, log }, times: { leaseMs } } = state;
  const since = momentOf(store);
  const number = (found?.value.number ?? 0) + 1;
  const lease = await write(store, {
    name,
    before: found,
    after: { owner: nodeId, number, renewals: 0, isGivenBack: false },
  });
  // Another node was first.
  if (lease === null) return;
  if (state.isStopped) return await giveBack(state, { name, lease });
  log("info", "duty_taken", { name, number });
  const tenure = createTenure(store, { since, leaseMs });
  const job = state.jobs[name]({ isSure: tenure.isSure });
  const begun = Promise.resolve(job.start()).catch((error) => log("error", "duty_failed", { name, error }));
  state.turns.set(name, { lease, tenure, renewedAt: since.monotonic, job, begun, watchdog: undefined });
  watch(state, name);
}

async function renew(state: State, name: DutyName): Promise<void> {
  const { deps: { store, log }, times: { renewEveryMs, lookEveryMs } } = state;
  const turn = state.turns.get(name)!;
  // Rather a look too early than one too late.
  if (store.monotonic() - turn.renewedAt < renewEveryMs - lookEveryMs / 2) return;
  const since = momentOf(store);
  const { value } = turn.lease;
  const renewed = { ...value, renewals: value.renewals + 1 };
  try {
    const lease = await write(store, { name, before: turn.lease, after: renewed });
    if (state.turns.get(name) !== turn) return;
    if (lease === null) lose(state, name);
    else confirm(state, { name, turn, lease, since });
  } catch (error) {
    log("warn", "duty_not_renewed", { name, error });
  }
}

function confirm(
  state: State,
  { name, turn, lease, since }: { name: DutyName; turn: Turn; lease: Turn["lease"]; since: Moment },
): void {
  turn.lease = lease;
  turn.renewedAt = since.monotonic;
  turn.tenure.confirm(since);
  watch(state, name);
}

/** While the store does not answer, nothing else says that the time is over. */
function watch(state: State, name: DutyName): void {
  const turn = state.turns.get(name)!;
  clearTimeout(turn.watchdog);
  turn.watchdog = setTimeout(() => {
    if (state.turns.get(name) !== turn) return;
    if (turn.tenure.isSure()) watch(state, name);
    else lose(state, name);
  }, state.times.leaseMs);
}

/** Another node has it by now, or may have: the job ends, and this node may have it again after that. */
function lose(state: State, name: DutyName): void {
  state.deps.log("warn", "duty_lost", { name });
  void end(state, name);
}

function end(state: State, name: DutyName): Promise<void> {
  const { turns, ending, deps: { log } } = state;
  const turn = turns.get(name)!;
  turns.delete(name);
  clearTimeout(turn.watchdog);
  const ended = turn.begun.then(() => turn.job.stop())
    .catch((error) => log("error", "duty_failed", { name, error }))
    .finally(() => ending.delete(name));
  ending.set(name, ended);
  return ended;
}

async function stop(state: State): Promise<void> {
  state.isStopped = true;
  clearTimeout(state.timer);
  await state.looking;
  const turns = [...state.turns];
  await Promise.all([
    ...state.ending.values(),
    ...turns.map(async ([name, { lease }]) => {
      await end(state, name);
      await giveBack(state, { name, lease });
    }),
  ]);
}

/** What can't be given back lapses. */
async function giveBack(
  { deps: { store, log } }: State,
  { name, lease }: { name: DutyName; lease: Versioned<DutyLease> },
): Promise<void> {
  try {
    await write(store, { name, before: lease, after: { ...lease.value, isGivenBack: true } });
  } catch (error) {
    log("warn", "duty_not_given_back", { name, error });
  }
}

/** Null: somebody else has written it meanwhile. */
async function write(
  { kv }: Store,
  { name, before, after }: { name: DutyName; before: Versioned<DutyLease> | null; after: DutyLease },
): Promise<Versioned<DutyLease> | null> {
  const key = keys.duty(name);
  const written = await commit(
    kv.atomic().check({ key, versionstamp: before?.versionstamp ?? null }).set(key, after),
  );
  return written && { value: after, versionstamp: written.versionstamp };
}
