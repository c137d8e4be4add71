/** Faults in what several nodes rest on, one at a time, each with the shortest story over two nodes that must catch it. */
import {
  brokenLines,
  disabledEverywhere,
  nodeComesBack,
  nodeDies,
  storeAway,
  turnsOverNodes,
} from "./node_stories.ts";
import type { PlantedFault } from "./planted_faults.ts";

export const nodeFaults: PlantedFault[] = [
  {
    name: "a commit whose answer was lost is taken for one that lost its race",
    breaks: "accepted",
    edits: [{
      file: "lib/store/once_only.ts",
      old: "return value === made ? {",
      new: `return value === "" ? {`,
    }],
    story: brokenLines,
  },
  {
    name: "a lease never lapses",
    breaks: "takeover",
    edits: [{
      file: "lib/store/lapse.ts",
      old: "lapsed: new Set(lapsed.map(({ name }) => name))",
      new: "lapsed: new Set()",
    }],
    story: nodeDies,
  },
  {
    name: "while the store is away all leases grow old",
    breaks: "accepted",
    edits: [{
      file: "lib/store/lapse.ts",
      old: "const isGap = begunAt - lookedAt > times.gapMs || endedAt - begunAt > times.gapMs;",
      new: "const isGap = lookedAt === -Infinity;",
    }],
    story: (options) => storeAway({ ...options, isKilled: true, isInFlight: true }),
  },
  {
    name: "a start takes over what others do",
    breaks: "accepted",
    edits: [{
      file: "lib/work/worker.ts",
      old: "const isLeft = ({ owner }: Lease) => !store.isShared || owner === nodeId;",
      new: "const isLeft = ({ owner }: Lease) => !store.isShared || owner !== nodeId;",
    }],
    story: nodeComesBack,
  },
  {
    name: "each node has its own count of a person's turns",
    breaks: "turns",
    edits: [{
      file: "lib/prompts/queue.ts",
      old: "turn.runningIds.length >= room.most",
      new: "turn.runningIds.length >= 2 * room.most",
    }],
    story: turnsOverNodes,
  },
  {
    name: "an open stream does not look at its credential again",
    breaks: "revoked",
    edits: [{
      file: "lib/live/channel.ts",
      old: "if (user || credential) await channel.inTurn(() => endUnwelcome(channel));",
      new: "if (user && credential && notices) await channel.inTurn(() => endUnwelcome(channel));",
    }],
    story: disabledEverywhere,
  },
];
