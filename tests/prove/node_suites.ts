/** What is run with several nodes on one store, and how much of it. */
import { pick, randomFrom } from "../fixtures/random.ts";
import { cautiousAgents } from "./agent_stories.ts";
import { limitedBatches, pausedBatch } from "./batch_stories.ts";
import { sortedPictures } from "./board_stories.ts";
import { publicGallery } from "./gallery_stories.ts";
import { toldPrograms } from "./hook_stories.ts";
import { moments } from "./kills.ts";
import type { StoreKind } from "./cluster.ts";
import * as nodeStories from "./node_stories.ts";
import { countedPrompts } from "./number_stories.ts";
import { nodeFaults } from "./planted_node_faults.ts";
import { catchFault } from "./planting.ts";
import type { PromiseName } from "./promises.ts";
import { pausedQueue } from "./queue_stories.ts";
import { savedTexts } from "./recipe_stories.ts";
import { repeatedRequests } from "./repeat_stories.ts";
import * as stories from "./scenarios.ts";
import { endedLinks } from "./share_stories.ts";
import { storm } from "./storms.ts";
import type { Run, Suite } from "./suites.ts";
import { sharedBoards } from "./together_stories.ts";

/** A picture that is being put to S3 comes through a line of its own, on which no node is seen. */
const momentsOfNodes = moments.filter(({ name, isOnS3 }) =>
  !isOnS3 && name !== "blob written" && !name.startsWith("result stored")
);

export function nodeSuites(
  { isQuick, seed, nodes, store }: { isQuick: boolean; seed: number; nodes: number; store?: StoreKind },
): Suite[] {
  const random = randomFrom(seed);
  const some = { seed, nodes, store, patienceMs: 90_000 };
  const kills = isQuick ? Array.from({ length: 3 }, () => pick(random, momentsOfNodes)) : momentsOfNodes;
  // Those that lose what was accepted show only after an outage.
  const quickFaults = nodeFaults.filter(({ breaks }) => breaks !== "accepted");
  const faults = isQuick ? [pick(random, quickFaults)] : nodeFaults;
  const run = (name: string, about: PromiseName, start: Run["run"]): Run => ({ name, about, run: start });
  const onlyWhole = (runs: Run[]) => isQuick ? [] : runs;
  return [
    {
      name: "nodes: stories",
      lanes: 3,
      runs: [
        run("a node dies", "takeover", () => nodeStories.nodeDies(some)),
        run("a node comes back", "once", () => nodeStories.nodeComesBack(some)),
        run("a node stands still", "once", () => nodeStories.nodeStandsStill(some)),
        run("a node is cut off", "once", () => nodeStories.nodeCutOff(some)),
        run("lines that break", "accepted", () => nodeStories.brokenLines(some)),
        run("the store is killed", "outage", () => nodeStories.storeAway({ ...some, isKilled: true })),
        run(
          "the store stands still",
          "outage",
          () => nodeStories.storeAway({ ...some, forMs: isQuick ? 15_000 : 45_000 }),
        ),
        run("the broker is away", "told", () => nodeStories.brokerAway(some)),
        run("a burst on a budget", "budget", () => nodeStories.burstOverNodes(some)),
        run("turns of one person", "turns", () => nodeStories.turnsOverNodes(some)),
        run("somebody is disabled", "revoked", () => nodeStories.disabledEverywhere(some)),
        run(
          "the same without a bus",
          "revoked",
          () => nodeStories.disabledEverywhere({ ...some, isWithoutBus: true }),
        ),
        run("plain prompts", "told", () => stories.plainPrompts(some)),
        run("one key, twenty times", "accepted", () => stories.sameKey(some)),
        run("cancels at the last moment", "final", () => stories.cancelRace(some)),
        run("a client that repeats itself", "repeats", () => repeatedRequests(some)),
        run("a slow submission", "once", () => stories.slowSubmission(some)),
        run("calls back", "accepted", () => stories.calledBack(some)),
        ...store === "postgres"
          ? [run(
            "the store's standby takes over at once",
            "outage",
            () => nodeStories.storeAway({ ...some, isKilled: true, isInFlight: true, forMs: 1000 }),
          )]
          : [],
        ...onlyWhole([
          run(
            "submissions across an outage of the store",
            "accepted",
            () => nodeStories.storeAway({ ...some, isKilled: true, isInFlight: true }),
          ),
          run("mishaps of a provider", "ledger", () => stories.providerMishaps(some)),
          run("agents that agree to little", "budget", () => cautiousAgents(some)),
          run("batches with a limit", "batches", () => limitedBatches(some)),
          run("a paused batch", "batches", () => pausedBatch(some)),
          run("programs that are told", "hooks", () => toldPrograms(some)),
          run("a paused queue", "queue", () => pausedQueue(some)),
          run("changed parts", "kept", () => stories.changedParts(some)),
          run("pictures that are sorted", "marks", () => sortedPictures(some)),
          run("recipes that two change", "recipes", () => savedTexts(some)),
          run("boards that are shared", "together", () => sharedBoards(some)),
          run("links that end", "links", () => endedLinks(some)),
          run("prompts that are counted", "numbers", () => countedPrompts(some)),
          run("a public gallery", "gallery", () => publicGallery(some)),
          run("strangers", "strangers", () => stories.strangers(some)),
        ]),
      ],
    },
    {
      name: "nodes: kills",
      lanes: 4,
      runs: kills.map((moment) =>
        run(`a node killed at ${moment.name}`, "takeover", () => nodeStories.nodeKilledAt(moment, some))
      ),
    },
    {
      name: "nodes: storms",
      lanes: 2,
      runs: Array.from(
        { length: isQuick ? 1 : 8 },
        (_, i) => run(`storm ${seed + i}`, "accepted", () => storm({ ...some, seed: seed + i })),
      ),
    },
    {
      name: "nodes: planted faults",
      lanes: 3,
      runs: faults.map((fault) =>
        run(fault.name, "planted", async () => [await catchFault(fault, { seed, patienceMs: 40_000 })])
      ),
    },
  ];
}
