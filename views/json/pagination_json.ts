/** What a page of a list says of itself. */
import { z } from "zod";

export const paginationShape = z.strictObject({
  limit: z.int().min(1),
  /** How many entries come before the page. */
  offset: z.int().nonnegative(),
  total: z.int().nonnegative(),
  /** The cursor of the page after this; null: it is the last. */
  next: z.string().nullable(),
});

export type Pagination = z.output<typeof paginationShape>;
