/** A webhook, and what was sent to it. */
import { z } from "zod";
import type { Delivery } from "../../lib/hooks/delivery.ts";
import type { Hook } from "../../lib/hooks/hook.ts";
import { answer, idValue, iso, timeValue } from "./values.ts";

export const hookShape = z.strictObject({
  id: idValue,
  url: z.url(),
  events: z.array(z.string()),
  includeText: z.boolean(),
  state: z.enum(["ON", "OFF"]),
  offReason: z.string().nullable().describe("Why it was switched off by itself; null otherwise."),
  createdAt: timeValue,
}).meta({ id: "Hook", description: "An address that is told of events." });

export function hookFields(
  { id, url, events, includeText, state, offReason, createdAt }: Hook,
): z.output<typeof hookShape> {
  return { id, url, events, includeText, state, offReason, createdAt: iso(createdAt) };
}

export const hookAnswer = answer({ hook: hookShape });

export function hookJson(hook: Hook): z.output<typeof hookAnswer> {
  return { success: true, hook: hookFields(hook) };
}

/** The secret is told when the webhook is made, and never again. */
export const newHookAnswer = answer({ hook: hookShape, secret: z.string() });

export function newHookJson(
  { hook, secret }: { hook: Hook; secret: string },
): z.output<typeof newHookAnswer> {
  return { success: true, hook: hookFields(hook), secret };
}

export const hookListAnswer = answer({ hooks: z.array(hookShape) });

export function hookListJson(hooks: readonly Hook[]): z.output<typeof hookListAnswer> {
  return { success: true, hooks: hooks.map(hookFields) };
}

export const hookSecretAnswer = answer({ secret: z.string() });

export function hookSecretJson({ secret }: { secret: string }): z.output<typeof hookSecretAnswer> {
  return { success: true, secret };
}

export const deliveryShape = z.strictObject({
  id: idValue.describe("Its `webhook-id`, the same with each attempt."),
  type: z.string(),
  state: z.enum(["WAITING", "DELIVERED", "FAILED"]),
  attempts: z.array(z.strictObject({
    at: timeValue,
    status: z.int().nullable().describe("Null: no answer came."),
  })),
}).meta({ id: "Delivery", description: "Something that a webhook was told, or is to be told." });

export function deliveryFields({ id, type, state, attempts }: Delivery): z.output<typeof deliveryShape> {
  return { id, type, state, attempts: attempts.map(({ at, status }) => ({ at: iso(at), status })) };
}

export const deliveryAnswer = answer({ delivery: deliveryShape });

export function deliveryJson(delivery: Delivery): z.output<typeof deliveryAnswer> {
  return { success: true, delivery: deliveryFields(delivery) };
}

export const deliveryListAnswer = answer({ deliveries: z.array(deliveryShape) });

export function deliveryListJson(deliveries: readonly Delivery[]): z.output<typeof deliveryListAnswer> {
  return { success: true, deliveries: deliveries.map(deliveryFields) };
}
