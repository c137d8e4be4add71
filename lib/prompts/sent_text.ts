/** What is said to a model: the prompt as it was written, and before it what its pictures are for, where only words can say that. */
import type { EditAbility, SourceRole } from "../catalog/provider.ts";
import type { PromptRequest } from "./prompt.ts";

const roleWords: { [role in SourceRole]: (number: number) => string } = {
  base: (number) => `Change picture ${number}.`,
  style: (number) => `Use the style of picture ${number}, not what it shows.`,
  subject: (number) => `Show what is in picture ${number}.`,
  reference: (number) => `Picture ${number} is there to look at.`,
};

export function sentText(
  { text, edit }: Pick<PromptRequest, "text" | "edit">,
  ability: Pick<EditAbility["sources"], "roles"> | null,
): string {
  const roles = edit?.sources.map(({ role }) => role) ?? [];
  const isPlain = roles.length === 0 || (roles.length === 1 && roles[0] === "base");
  if (ability === null || ability.roles || isPlain) return text;
  return [...roles.map((role, i) => roleWords[role](i + 1)), text].join(" ");
}
