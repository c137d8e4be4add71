/** The pages that show changes as they happen, each in its own fragments. */
const livePages = [
  "dashboard",
  "generator",
  "gallery",
  "history",
  "batch",
  "queue",
  "notices",
  "other",
] as const;
export type LivePage = (typeof livePages)[number];

export function isLivePage(name: string): name is LivePage {
  return livePages.some((page) => page === name);
}
