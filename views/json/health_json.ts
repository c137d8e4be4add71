/** For whatever watches the server. */
import { z } from "zod";
import type { BusState } from "../../lib/bus/bus.ts";
import type { DiskState } from "../../lib/disk.ts";
import { errorShape } from "./error_json.ts";
import { answer } from "./values.ts";

export const healthAnswer = answer({
  status: z.literal("ok"),
  version: z.string().describe("Which Darkroom this is."),
});

export function healthJson({ version }: { version: string }): z.output<typeof healthAnswer> {
  return { success: true, status: "ok", version };
}

/** How the bus to the other nodes is, where there is one; without it all goes on, only slower. */
const bus = z.enum(["up", "down"]).optional().describe(
  "How the bus to other nodes is; left out: there is none.",
);

/** What answers, and will not for long unless somebody does something about it. */
const degraded = z.array(z.literal("disk")).min(1).optional().describe(
  "Parts that are about to fail: the disk, once there is little room on it. Left out: none is.",
);

export const readyAnswer = answer({ status: z.literal("ready"), degraded, bus });

export function readyJson(
  { busState, disk }: { busState: BusState; disk: DiskState | null },
): z.output<typeof readyAnswer> {
  return { success: true, status: "ready", ...degradedPart(disk), ...busPart(busState) };
}

function degradedPart(disk: DiskState | null): { degraded?: "disk"[] } {
  return disk === null || disk.level === "ok" ? {} : { degraded: ["disk"] };
}

export const notReadyAnswer = z.strictObject({
  success: z.literal(false),
  failing: z.array(z.string()).min(1).describe("The parts that do not answer."),
  detail: z.array(z.strictObject({ part: z.string(), reason: z.string() })).optional().describe(
    "Why, for admins only.",
  ),
  bus,
  error: errorShape,
});

export function notReadyJson(
  failures: readonly { part: string; reason: string }[],
  { requestId, isForAdmin, busState }: { requestId: string; isForAdmin: boolean; busState: BusState },
): z.output<typeof notReadyAnswer> {
  const [{ part, reason }] = failures;
  const message = reason === "stopping" ? "The server is stopping" : `No answer from the ${part}`;
  return {
    success: false,
    failing: failures.map((failure) => failure.part),
    ...(isForAdmin && { detail: failures.map(({ part, reason }) => ({ part, reason })) }),
    ...busPart(busState),
    error: { message, code: "unavailable", requestId },
  };
}

function busPart(state: BusState): { bus?: "up" | "down" } {
  return state === "none" ? {} : { bus: state };
}
