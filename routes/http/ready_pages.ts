/**
 * Most of a page is what earlier pages had: cards of prompts that are final, tiles. Each is kept as its bytes under a
 * name that says all that it depends on, so that nothing is shown as it was before: what has changed has another name.
 * The rest is rendered anew, with a mark in the place of each kept part. Nobody else can write such a mark: in what
 * people write `<` is escaped.
 */
import { raw } from "hono/html";
import { joined } from "../../lib/bytes.ts";
import { createRecent } from "../../lib/recent.ts";
import type { Markup, Ready } from "../../views/shell/ready.ts";
import type { AppContext } from "./context.ts";

export interface ReadyPages {
  /** Answers with what `render` gives; it may be a part of a page too. */
  answer(c: AppContext, render: (ready: Ready) => Markup | Promise<Markup>): Promise<Response>;
}

const marks = /<ready (\d+)>/;

/** `most`: how many parts are kept. */
export function createReadyPages({ most }: { most: number }): ReadyPages {
  const kept = createRecent<Uint8Array>({ most });
  const encoder = new TextEncoder();
  return {
    async answer(c, render) {
      const parts: Uint8Array[] = [];
      const markup = await render((name, renderPart) => {
        if (name === null) return renderPart();
        return raw(`<ready ${parts.push(kept.get(name) ?? keep(name, renderPart())) - 1}>`);
      });
      c.header("Content-Type", "text/html; charset=UTF-8");
      return c.body(fill(textOf(markup), parts));
    },
  };

  function keep(name: string, part: Markup): Uint8Array {
    const bytes = encoder.encode(textOf(part));
    kept.put(name, bytes);
    return bytes;
  }

  function fill(page: string, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    return joined(
      page.split(marks).map((piece, i) => i % 2 === 0 ? encoder.encode(piece) : parts[Number(piece)]),
    );
  }
}

/** Pages hold no component that waits, so their text is there at once. */
function textOf(markup: Markup): string {
  const text = markup.toString();
  if (typeof text !== "string") throw new Error("A page must not wait");
  return text;
}
