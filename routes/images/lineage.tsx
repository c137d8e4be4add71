/** Which picture came from which: for programs, and as a page. */
import { Hono } from "hono";
import { findImage, readImages } from "../../lib/images/image_store.ts";
import { type Lineage, type LineageNode, readLineage } from "../../lib/images/lineage.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCredits } from "../../lib/live/publication_view.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { lineageJson } from "../../views/json/lineage_json.ts";
import { LineagePage } from "../../views/images/lineage_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";

const mostNodes = 200;

export function lineageRoutes({ store }: Pick<AppDeps, "store">) {
  return new Hono<AppEnv>()
    .get("/api/v1/images/:id/lineage", async (c) => {
      const { lineage } = await read(c);
      const page = pageOf(c, lineage);
      return c.json(
        lineageJson(lineage, { ...page, credits: await readCredits(store, originsOf(page.nodes)) }),
      );
    })
    .get("/images/:id/lineage", async (c) => {
      const { user } = callerOf(c);
      const { image, lineage } = await read(c);
      const { nodes, more } = pageOf(c, lineage);
      const [pictures, cursor, credits] = await Promise.all([
        readImages(store, nodes.filter(({ isDeleted }) => !isDeleted).map(({ id }) => id)),
        readCursor(store, user.id),
        readCredits(store, originsOf(nodes)),
      ]);
      const byId = new Map(pictures.map(({ value }) => [value.id, value]));
      return c.html(
        <LineagePage {...{ user, cursor, image, lineage, nodes, more, credits }} pictures={byId} />,
      );
    });

  async function read(c: AppContext) {
    const { user } = callerOf(c);
    const image = await findImage(store, { userId: user.id, imageId: c.req.param("id")! });
    return { image, lineage: await readLineage(store, image) };
  }
}

function originsOf(nodes: readonly LineageNode[]) {
  return nodes.flatMap(({ remixOf }) => remixOf === null ? [] : [remixOf]);
}

/** A page ends with the node that the next one's cursor names: what is added later comes behind. */
function pageOf(c: AppContext, { nodes }: Lineage): { nodes: LineageNode[]; more: string | null } {
  const cursor = c.req.query("cursor");
  const last = cursor === undefined ? -1 : nodes.findIndex(({ id }) => id === cursor);
  if (cursor !== undefined && last < 0) {
    throw new Refusal("invalid_request", "cursor must be the one that the page before gave");
  }
  const page = nodes.slice(last + 1, last + 1 + mostNodes);
  return { nodes: page, more: last + 1 + page.length < nodes.length ? page.at(-1)!.id : null };
}
