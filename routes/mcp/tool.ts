/** One thing that an agent may have done, with what it takes and how that is answered. */
import type { CallToolResult, ContentBlock, ToolAnnotations } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { Scope } from "../../lib/identity/api_key.ts";
import { readFields } from "../../lib/fields.ts";
import type { User } from "../../lib/users/user.ts";

/** Who asks, and how they are told what happens meanwhile. */
export interface Asked {
  user: User;
  /** Aborted where whoever asked has gone, or does not want it any more. */
  signal: AbortSignal;
  /** Null: nobody wants to hear how far it is. */
  tellProgress: ((progress: ToldProgress) => void) | null;
  /** Whether the credential still counts. */
  isWelcome: () => Promise<boolean>;
}

export interface ToldProgress {
  /** Up to `total`; it only grows. */
  progress: number;
  total: number;
  message: string;
}

export interface Tool {
  name: string;
  /** For people. */
  title: string;
  /** For agents. */
  description: string;
  /** What a credential must allow. */
  scope: Scope;
  annotations: ToolAnnotations;
  /** JSON Schemas. */
  input: JsonSchema;
  output: JsonSchema;
  call(given: unknown, asked: Asked): Promise<CallToolResult>;
}

export interface JsonSchema {
  [name: string]: unknown;
}

/** A tool that reads its fields by a schema, and refuses in the schema's words. */
export function tool<I extends z.ZodObject>(
  { input, output, run, ...rest }: Pick<Tool, "name" | "title" | "description" | "scope" | "annotations"> & {
    input: I;
    output: z.ZodObject;
    run: (fields: z.output<I>, asked: Asked) => Promise<CallToolResult>;
  },
): Tool {
  return {
    ...rest,
    input: { ...z.toJSONSchema(input, { io: "input" }) },
    output: { ...z.toJSONSchema(output, { io: "output" }) },
    call: (given, asked) => run(readFields(input, given), asked),
  };
}

/** Words for the agent, and the same as data. */
export function answered(
  words: string,
  structuredContent: { [name: string]: unknown },
  others: ContentBlock[] = [],
): CallToolResult {
  return { content: [{ type: "text", text: words }, ...others], structuredContent };
}

/** It did not work, in words; what is said as data is never of the shape that was promised. */
export function failed(words: string, others: ContentBlock[] = []): CallToolResult {
  return { content: [{ type: "text", text: words }, ...others], isError: true };
}
