/** Signals that reach the other nodes as well. */
import type { z } from "zod";
import { createSignals, type Signals } from "../signals.ts";
import type { Bus } from "./bus.ts";

/** What another version of the program says otherwise is nothing to this one. `isNews` says what is worth telling others. */
export function createSharedSignals<T>(
  { bus, subject, shape, isNews = () => true }: {
    bus: Bus;
    subject: string;
    shape: z.ZodType<T>;
    isNews?: (message: T) => boolean;
  },
): Signals<T> {
  const here = createSignals<T>();
  if (bus.state() === "none") return here;
  bus.subscribe(subject, (bytes) => {
    const { data } = shape.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (data !== undefined) here.publish(data);
  });
  return {
    ...here,
    publish(message) {
      here.publish(message);
      if (isNews(message)) bus.publish(subject, new TextEncoder().encode(JSON.stringify(message)));
    },
  };
}
