/**
 * What the JSON shapes are made of. Each shape is a zod schema beside the function that makes it, so that the API's
 * description can be derived from what is really sent. Money appears as dollars and as micro-dollars, times as ISO 8601.
 */
import { z } from "zod";

export const idValue = z.uuidv7();
export const timeValue = z.iso.datetime({ precision: 3 });
export const dollarsValue = z.number();
export const microsValue = z.int();
/** Milliseconds. */
export const durationValue = z.int().nonnegative();
export const monthValue = z.string().regex(/^\d{4}-\d\d$/);
/** "WIDTHxHEIGHT" in pixels. */
export const sizeValue = z.string().regex(/^\d+x\d+$/);

/** What a picture that is given to a prompt is to it. */
export const roleValue = z.enum(["base", "style", "subject", "reference"]);

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
