/**
 * What the JSON shapes are made of. Each shape is a zod schema beside the function that makes it, so that the API's
 * description can be derived from what is really sent. Money appears as dollars and as micro-dollars, times as ISO 8601.
 */
import { z } from "zod";

export const idValue = z.uuidv7().meta({ id: "Id", description: "A UUIDv7." });
export const timeValue = z.iso.datetime({ precision: 3 }).meta({
  id: "Time",
  description: "ISO 8601 in UTC, with milliseconds.",
});
export const dollarsValue = z.number().meta({ id: "Dollars", description: "US dollars." });
export const microsValue = z.int().meta({ id: "MicroDollars", description: "Millionths of a US dollar." });
export const durationValue = z.int().nonnegative().meta({ id: "Milliseconds", description: "Milliseconds." });
export const monthValue = z.string().regex(/^\d{4}-\d\d$/).meta({ id: "Month", examples: ["2026-11"] });
export const sizeValue = z.string().regex(/^\d+x\d+$/).meta({
  id: "Size",
  description: "WIDTHxHEIGHT in pixels.",
  examples: ["1024x1024"],
});

export const roleValue = z.enum(["base", "style", "subject", "reference"]).meta({
  id: "SourceRole",
  description: "What a picture that is given to a prompt is to it.",
});

/** A success: `success` and what else it says. */
export function answer<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject({ success: z.literal(true), ...shape });
}

/** A success that says no more. */
export const doneAnswer = answer({});

export function doneJson(): z.output<typeof doneAnswer> {
  return { success: true };
}

/** Milliseconds since 1970 as ISO 8601. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

export function maybeIso(at: number | null): string | null {
  return at === null ? null : iso(at);
}

export function dollars(micros: number): number {
  return micros / 1_000_000;
}

export function maybeDollars(micros: number | null): number | null {
  return micros === null ? null : dollars(micros);
}
