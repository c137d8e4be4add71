/** A list of prompts, one a line. */

export interface ListedPrompt {
  text: string;
  /** From 1 on. */
  line: number;
}

/** Empty lines, and those that begin with `#`, are for those who read the list. */
export function readPromptList(text: string): ListedPrompt[] {
  return text.split(/\r\n|\r|\n/).map((line, i) => ({ text: line.trim(), line: i + 1 }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
}
