/**
 * How much room is left on the disk of the data directory. What SQLite can't write any more is lost work, so before that
 * nothing new is accepted, and before that whoever watches the server is told.
 */
import { statfs } from "node:fs/promises";
import type { Log } from "./log.ts";

export interface DiskSpace {
  /** For this process, in bytes. */
  freeBytes: number;
  totalBytes: number;
}

export interface DiskState extends DiskSpace {
  /** `full`: there is less than the reserve. `low`: there soon will be. */
  level: "ok" | "low" | "full";
  /** Nothing new is accepted where there is less. */
  reserveBytes: number;
}

export interface Disk {
  /** Asked at most every few seconds. */
  read(): Promise<DiskState>;
}

const freshMs = 2000;
/** People are told as long as there are fewer reserves than these. */
const lowReserves = 4;

export function createDisk(
  { readSpace, reserveBytes, now, log }: {
    readSpace: () => Promise<DiskSpace>;
    reserveBytes: number;
    now: () => number;
    log: Log;
  },
): Disk {
  let latest: { at: number; state: Promise<DiskState> } | null = null;
  let logged: DiskState["level"] = "ok";
  return {
    read() {
      if (latest === null || Math.abs(now() - latest.at) >= freshMs) {
        latest = { at: now(), state: readSpace().then(judge) };
      }
      return latest.state;
    },
  };

  function judge(space: DiskSpace): DiskState {
    const state = { ...space, reserveBytes, level: levelOf(space.freeBytes, reserveBytes) };
    const { freeBytes, level } = state;
    if (level !== logged) {
      const severity = level === "ok" ? "info" : level === "low" ? "warn" : "error";
      log(severity, "disk_space", { level, freeBytes, reserveBytes });
    }
    logged = level;
    return state;
  }
}

function levelOf(freeBytes: number, reserveBytes: number): DiskState["level"] {
  if (freeBytes < reserveBytes) return "full";
  return freeBytes < lowReserves * reserveBytes ? "low" : "ok";
}

/** Of the file system that a folder is on. */
export async function readDiskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
