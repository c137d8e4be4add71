/** Faults in what several nodes rest on, one at a time, each with the shortest story over two nodes that must catch it. */
import type { PlantedFault } from "./planted_faults.ts";

export const nodeFaults: PlantedFault[] = [];
