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
export type OwnPage = (typeof livePages)[number];

/** A page of one's own, or one of something that several people look at: `board:ID`, `picture:BOARD:ID`. */
export type LivePage = OwnPage | `board:${string}` | `picture:${string}` | `recipe:${string}`;

export function isOwnPage(name: string): name is OwnPage {
  return livePages.some((page) => page === name);
}
