/** How much room somebody's pictures take, and which of them go since they are old. */
import { Hono } from "hono";
import { readImages } from "../../lib/images/image_store.ts";
import { listLeaving, sumLeaving } from "../../lib/images/leaving.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { readStoredBytes } from "../../lib/users/stored_bytes.ts";
import { LeavingPage, type LeavingPicture } from "../../views/images/leaving_page.tsx";
import { storageJson } from "../../views/json/storage_json.ts";
import { type AppDeps, type AppEnv, callerOf } from "../http/context.ts";

const picturesShown = 120;

export function storageRoutes({ store, room, retainDays }: Pick<AppDeps, "store" | "room" | "retainDays">) {
  return new Hono<AppEnv>()
    .get("/api/v1/storage", async (c) => {
      const { user } = callerOf(c);
      const [usedBytes, leaving] = await Promise.all([
        readStoredBytes(store, user.id),
        sumLeaving(store, user.id),
      ]);
      return c.json(storageJson({ usedBytes, limitBytes: room.limitBytes, retainDays, leaving }));
    })
    .get("/leaving", async (c) => {
      const { user } = callerOf(c);
      const [sum, pictures] = await Promise.all([sumLeaving(store, user.id), readPictures(user.id)]);
      return c.html(<LeavingPage {...{ user, retainDays, sum, pictures }} />);
    });

  async function readPictures(userId: string): Promise<LeavingPicture[]> {
    const found = await listLeaving(store, { userId, limit: picturesShown });
    const times = new Map(found.map(({ imageId, goesAt }) => [imageId, goesAt]));
    const images = await readImages(store, [...times.keys()]);
    const views = await viewPictures(store, images.map(({ value }) => value));
    return views.map((view) => ({ view, goesAt: times.get(view.image.id)! }));
  }
}
