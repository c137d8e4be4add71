/** All that is run, and how much of it: a new promise is proven by a line here. */
import { pick, randomFrom } from "../fixtures/random.ts";
import { agentAcrossKill, cautiousAgents } from "./agent_stories.ts";
import { savedTexts } from "./recipe_stories.ts";
import { limitedBatches, pausedBatch } from "./batch_stories.ts";
import { sortedPictures } from "./board_stories.ts";
import { batchMoments, checkBatchKill } from "./batch_kills.ts";
import { checkKill, comebacks, moments, otherMoments } from "./kills.ts";
import { thousandUsers } from "./load.ts";
import { cancelledLot, checkLotKill, expiredLots, lotMoments } from "./lot_kills.ts";
import { brokenSync, noSpace, readOnlyDisk, standStill, wrongClock } from "./outages.ts";
import { sharedBoards } from "./together_stories.ts";
import { endedLinks } from "./share_stories.ts";
import { countedPrompts } from "./number_stories.ts";
import { plantedFaults } from "./planted_faults.ts";
import { publicGallery } from "./gallery_stories.ts";
import { catchFault } from "./planting.ts";
import type { Finding, PromiseName } from "./promises.ts";
import { pollingProgram } from "./polling_stories.ts";
import { pausedQueue } from "./queue_stories.ts";
import { repeatedRequests } from "./repeat_stories.ts";
import { toldPrograms } from "./hook_stories.ts";
import { brokenRequests } from "./requests.ts";
import * as stories from "./scenarios.ts";
import { storm } from "./storms.ts";

export interface Run {
  name: string;
  about: PromiseName;
  run(): Promise<Finding[]>;
}

export interface Suite {
  name: string;
  /** Runs at the same time. */
  lanes: number;
  runs: Run[];
}

export function suites({ isQuick, seed }: { isQuick: boolean; seed: number }): Suite[] {
  const random = randomFrom(seed);
  const some = { seed };
  const kills = isQuick
    ? moments.map((moment) => ({ moment, comeback: pick(random, comebacks) }))
    : moments.flatMap((moment) => comebacks.map((comeback) => ({ moment, comeback })));
  const batchKills = isQuick
    ? batchMoments.filter((_, i) => i % 4 === seed % 4).map((moment) => (
      { moment, comeback: pick(random, comebacks) }
    ))
    : batchMoments.flatMap((moment) => comebacks.map((comeback) => ({ moment, comeback })));
  const otherKills = otherMoments.filter((_, i) => !isQuick || i % 6 === seed % 6)
    .map((moment) => ({ moment, comeback: pick(random, comebacks) }));
  // Each takes a quarter of a minute, as a lot in doubt is looked for with patience: each moment once.
  const lotKills = lotMoments.filter((_, i) => !isQuick || i % 8 === seed % 8)
    .map((moment) => ({ moment, comeback: pick(random, comebacks) }));
  const faults = isQuick
    ? plantedFaults.map((fault) => ({ fault, rank: random() })).sort((a, b) => a.rank - b.rank).slice(0, 4)
      .map(({ fault }) => fault)
    : plantedFaults;
  return [
    {
      name: "kills",
      lanes: 4,
      runs: kills.map(({ moment, comeback }) => ({
        name: `killed at ${moment.name}, back ${comeback}`,
        about: "accepted",
        run: () => checkKill(moment, { comeback, ...some }),
      })),
    },
    {
      name: "kills over all providers",
      lanes: 4,
      runs: otherKills.map(({ moment, comeback }) => ({
        name: `killed at ${moment.name}, back ${comeback}`,
        about: "resumed",
        run: () => checkKill(moment, { comeback, ...some }),
      })),
    },
    {
      name: "kills of batches",
      lanes: 3,
      runs: batchKills.map(({ moment, comeback }) => ({
        name: `killed at ${moment.name}, back ${comeback}`,
        about: "batches",
        run: () => checkBatchKill(moment, { comeback, ...some }),
      })),
    },
    {
      name: "kills of lots",
      lanes: 3,
      runs: lotKills.map(({ moment, comeback }) => ({
        name: `killed at the ${moment.name}, back ${comeback}`,
        about: "once",
        run: () => checkLotKill(moment, { comeback, ...some }),
      })),
    },
    {
      name: "storms",
      lanes: 2,
      runs: Array.from({ length: isQuick ? 2 : 12 }, (_, i) => ({
        // One of one provider or two, which meet each other more often, and one of all of them.
        name: `storm ${seed + i}${i % 2 === 0 ? "" : " over all providers"}`,
        about: "accepted",
        run: () => storm({ seed: seed + i, isMixed: i % 2 === 1 }),
      })),
    },
    {
      name: "stories",
      lanes: 3,
      runs: [
        { name: "plain prompts", about: "told", run: () => stories.plainPrompts(some) },
        { name: "a burst on a budget", about: "budget", run: () => stories.budgetBurst(some) },
        { name: "mishaps of a provider", about: "ledger", run: () => stories.providerMishaps(some) },
        { name: "cancels at the last moment", about: "final", run: () => stories.cancelRace(some) },
        { name: "one key, twenty times", about: "accepted", run: () => stories.sameKey(some) },
        { name: "agents that agree to little", about: "budget", run: () => cautiousAgents(some) },
        { name: "an agent across a kill", about: "accepted", run: () => agentAcrossKill(some) },
        { name: "a client that repeats itself", about: "repeats", run: () => repeatedRequests(some) },
        { name: "a slow submission", about: "once", run: () => stories.slowSubmission(some) },
        { name: "calls back", about: "accepted", run: () => stories.calledBack(some) },
        { name: "a sign-in across a kill", about: "strangers", run: () => stories.signedIn(some) },
        { name: "batches with a limit", about: "batches", run: () => limitedBatches(some) },
        { name: "a paused batch", about: "batches", run: () => pausedBatch(some) },
        { name: "lots that expire by half", about: "ledger", run: () => expiredLots(some) },
        { name: "a lot that is cancelled", about: "ledger", run: () => cancelledLot(some) },
        { name: "programs that are told", about: "hooks", run: () => toldPrograms(some) },
        { name: "a program that polls", about: "polled", run: () => pollingProgram(some) },
        { name: "a paused queue", about: "queue", run: () => pausedQueue(some) },
        { name: "changed parts", about: "kept", run: () => stories.changedParts(some) },
        { name: "pictures that are sorted", about: "marks", run: () => sortedPictures(some) },
        { name: "recipes that two change", about: "recipes", run: () => savedTexts(some) },
        { name: "boards that are shared", about: "together", run: () => sharedBoards(some) },
        { name: "links that end", about: "links", run: () => endedLinks(some) },
        { name: "prompts that are counted", about: "numbers", run: () => countedPrompts(some) },
        { name: "a public gallery", about: "gallery", run: () => publicGallery(some) },
        { name: "strangers", about: "strangers", run: () => stories.strangers(some) },
        { name: "a second process", about: "alone", run: () => stories.secondProcess(some) },
        { name: "a restored backup", about: "backup", run: () => stories.restoredBackup(some) },
      ],
    },
    {
      name: "stop",
      lanes: 1,
      runs: [{ name: "SIGTERM", about: "stop", run: () => stories.gracefulStop(some) }],
    },
    {
      name: "outages",
      lanes: 3,
      runs: [
        {
          name: "SIGSTOP",
          about: "outage",
          run: () => standStill({ ...some, forMs: isQuick ? 5000 : 30_000 }),
        },
        { name: "a wrong clock", about: "outage", run: () => wrongClock(some) },
        { name: "a full disk", about: "outage", run: () => noSpace(some) },
        { name: "a disk that does not sync", about: "outage", run: () => brokenSync(some) },
        { name: "a read-only disk", about: "outage", run: () => readOnlyDisk(some) },
      ],
    },
    {
      name: "requests",
      lanes: 1,
      runs: [{
        name: "made-up requests",
        about: "requests",
        run: () => brokenRequests({ ...some, count: isQuick ? 3000 : 20_000 }),
      }],
    },
    {
      name: "load",
      lanes: 1,
      runs: [{
        name: "load",
        about: "load",
        run: () => thousandUsers({ ...some, users: isQuick ? 100 : 1000 }),
      }],
    },
    {
      name: "planted faults",
      lanes: 3,
      runs: faults.map((fault) => ({
        name: fault.name,
        about: "planted",
        run: async () => [await catchFault(fault, some)],
      })),
    },
  ];
}
