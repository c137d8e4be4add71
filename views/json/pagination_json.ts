/** What a page of a list says of itself. */
import { z } from "zod";

export const paginationShape = z.strictObject({
  limit: z.int().min(1),
  offset: z.int().nonnegative().describe("How many entries come before the page."),
  total: z.int().nonnegative(),
  next: z.string().nullable().describe("The cursor of the page after this; null: it is the last."),
}).meta({ id: "Pagination", description: "What a page of a list says of itself." });

export type Pagination = z.output<typeof paginationShape>;
