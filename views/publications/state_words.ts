/** The states of a publication and the reasons of a report, in words. */
import type { Publication, ReportReason } from "../../lib/publications/publication.ts";

export function stateWords({ state, isHiddenByReports }: Publication): string {
  switch (state) {
    case "PENDING":
      return "A moderator looks at it first. Until then only you see it.";
    case "SHOWN":
      return "Everybody sees it.";
    case "REFUSED":
      return "A moderator has refused it. Only you see it.";
    case "HIDDEN":
      return isHiddenByReports
        ? "It was reported, and is hidden until a moderator has looked at it."
        : "A moderator has hidden it. Only you see it.";
    case "WITHDRAWN":
      return "It is withdrawn.";
  }
}

export const stateNames: { [state in Publication["state"]]: string } = {
  PENDING: "waits",
  SHOWN: "shown",
  REFUSED: "refused",
  HIDDEN: "hidden",
  WITHDRAWN: "withdrawn",
};

export const reasonWords: { [reason in ReportReason]: string } = {
  illegal: "It shows or does something illegal",
  minors: "It shows minors in a sexual way",
  non_consensual: "It shows somebody intimately who has not agreed to that",
  hate: "It is hateful, or incites to violence",
  rights: "It violates my rights, or somebody else's",
  spam: "It is spam, or misleads",
  other: "Something else",
};
