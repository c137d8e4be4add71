/** Parts of pages that may be ready because an earlier page had them. */
import type { HtmlEscapedString } from "hono/utils/html";

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

/**
 * A part of a page: the one that is kept under `name`, which says all that it depends on, or else what `render` gives.
 * What has no name is rendered each time.
 */
export type Ready = (name: string | null, render: () => Markup) => Markup;

/** Nothing is kept. */
export const rendered: Ready = (_, render) => render();
