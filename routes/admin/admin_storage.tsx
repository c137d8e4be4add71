/** Administration of what is stored: how much, by whom, how much room there is, what goes. */
import { Hono } from "hono";
import { sumLeavingOfAll } from "../../lib/images/leaving.ts";
import { isBackupOld, readBackupState } from "../../lib/operation/own_backups.ts";
import { listStoredBytes } from "../../lib/users/stored_bytes.ts";
import { readUsers } from "../../lib/users/user.ts";
import { AdminStoragePage } from "../../views/admin/storage_page.tsx";
import { adminSessionOf, type AppDeps, type AppEnv } from "../http/context.ts";

const peopleShown = 50;

export function adminStorageRoutes(
  { store, room, retainDays, disk, backups }: Pick<
    AppDeps,
    "store" | "room" | "retainDays" | "disk" | "backups"
  >,
) {
  return new Hono<AppEnv>()
    .get("/admin/storage", async (c) => {
      const { user } = adminSessionOf(c);
      const [stored, leaving, space, backupState] = await Promise.all([
        listStoredBytes(store),
        sumLeavingOfAll(store),
        disk?.read() ?? null,
        readBackupState(store),
      ]);
      const most = stored.slice(0, peopleShown);
      const first = leaving.slice(0, peopleShown);
      const people = await readUsers(store, [...most, ...first].map(({ userId }) => userId));
      return c.html(
        <AdminStoragePage
          user={user}
          disk={space}
          stored={{ all: stored.reduce((sum, { bytes }) => sum + bytes, 0), people: stored.length, most }}
          backups={backups && { state: backupState, isOld: isBackupOld(backupState, store.now()) }}
          limitBytes={room.limitBytes}
          retention={retainDays === null && leaving.length === 0
            ? null
            : { days: retainDays, people: leaving.length, first, ...sumOfAll(leaving) }}
          names={new Map(people.map(({ id, name }) => [id, name]))}
        />,
      );
    });
}

function sumOfAll(leaving: Awaited<ReturnType<typeof sumLeavingOfAll>>) {
  return leaving.reduce(
    ({ pictures, bytes }, { sum }) => ({ pictures: pictures + sum.pictures, bytes: bytes + sum.bytes }),
    { pictures: 0, bytes: 0 },
  );
}
