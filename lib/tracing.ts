/**
 * What happens to a prompt as one trace, from the request that brought it to the commit that settles it, also where
 * another process goes on with it: the prompt's record names the span that it came with. Deno's own OpenTelemetry sends
 * it on. Nobody's words and no addresses are in it: of an address the site's own route is told, and nothing else.
 */
import { type Context, context, propagation, type Span, SpanStatusCode, trace } from "@opentelemetry/api";

export interface Tracing {
  /** Names the span that this is done in, as W3C's `traceparent`, to be kept; undefined: nothing is traced. */
  origin(): string | undefined;
  /** Calls the request that this is done for by its method and the site's route that it has come to. */
  nameRequest(name: () => string): void;
  /** Does something as a span; it failed where that throws. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
  /** Tells of something that is over. */
  passed(name: string, options: SpanOptions & { since: number; until: number }): void;
}

export interface SpanOptions {
  /** What the prompt came with; what is done within a span of the same trace belongs to that one. */
  origin?: string;
  /** Ids, states and numbers. */
  attributes?: { [name: string]: string | number };
}

/** Nothing is traced, and costs nothing. */
export const noTracing: Tracing = {
  origin: () => undefined,
  nameRequest: () => {},
  span: (_name, _options, work) => work(),
  passed: () => {},
};

/** By what the process has registered for OpenTelemetry, which Deno does by itself where `OTEL_DENO` is set. */
export function createTracing(): Tracing {
  const tracer = trace.getTracer("darkroom");
  keepAddressesOut(tracer.startSpan("never ended, so never sent"));
  const open = (name: string, { origin, attributes }: SpanOptions, startTime?: number) => {
    const parent = parentOf(origin);
    return { parent, span: tracer.startSpan(name, { attributes, startTime }, parent) };
  };
  return {
    origin() {
      const within = trace.getActiveSpan();
      if (within !== undefined) return nameOf(trace.setSpan(context.active(), within));
      // Nobody has asked for it just now, such as for the row of a batch: its trace begins here.
      const span = tracer.startSpan("begin", { root: true });
      span.end();
      return nameOf(trace.setSpan(context.active(), span));
    },
    nameRequest(name) {
      trace.getActiveSpan()?.updateName(name());
    },
    async span(name, options, work) {
      const { span, parent } = open(name, options);
      try {
        return await context.with(trace.setSpan(parent, span), work);
      } catch (error) {
        // What it says may be somebody's words.
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    passed(name, { since, until, ...options }) {
      open(name, options, since).span.end(until);
    },
  };
}

function parentOf(origin: string | undefined): Context {
  const active = context.active();
  if (origin === undefined) return active;
  const from = propagation.extract(active, { traceparent: origin });
  const isWithin = trace.getSpanContext(active)?.traceId === trace.getSpanContext(from)?.traceId;
  return isWithin ? active : from;
}

function nameOf(within: Context): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(within, carrier);
  return carrier.traceparent;
}

/**
 * Deno says of each request, served or sent, its whole address: search words, sign-in codes, tokens of links, signatures
 * of storage. What a span was given can't be taken back, so it is not given that.
 */
function keepAddressesOut(span: Span): void {
  const prototype: Span = Object.getPrototypeOf(span);
  const { setAttribute } = prototype;
  prototype.setAttribute = function (name, value) {
    return /^url\.(full|path|query)$/.test(name) ? this : setAttribute.call(this, name, value);
  };
}
