/** Picking the best of a batch: the same pages as for a search, in the order of its rows. */
import { Hono } from "hono";
import { batchPictures } from "../../lib/batches/batch_pictures.ts";
import { findBatch } from "../../lib/batches/batch_store.ts";
import type { Image } from "../../lib/images/image.ts";
import { mostPicked } from "../../lib/images/pick.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import type { PickPages, PickSet } from "../images/pick.tsx";

export function pickBatchRoutes({ store, pickPages }: Pick<AppDeps, "store"> & { pickPages: PickPages }) {
  return new Hono<AppEnv>()
    .get("/batches/:id/pick", async (c) => await pickPages.show(c, await read(c)))
    .post("/batches/:id/pick", async (c) => await pickPages.rate(c, await read(c)))
    .post("/batches/:id/pick/keep", async (c) => await pickPages.keep(c, () => read(c)))
    .post("/batches/:id/pick/board", async (c) => await pickPages.board(c, await read(c)))
    .post("/batches/:id/pick/duel", async (c) => await pickPages.duel(c, await read(c)));

  async function read(c: AppContext): Promise<PickSet> {
    const { user } = callerOf(c);
    const named = { userId: user.id, batchId: c.req.param("id")! };
    const { value: batch } = await findBatch(store, named);
    const images: Image[] = [];
    for await (const { image } of batchPictures(store, { batch, only: "all" })) {
      if (images.push(image) === mostPicked) break;
    }
    const here = `/batches/${batch.id}`;
    return { path: `${here}/pick`, query: "", title: batch.name, back: here, images };
  }
}
