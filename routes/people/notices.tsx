/** What a person is told: the page of it, and the same for programs. */
import { Hono } from "hono";
import { readCursor } from "../../lib/live/cursor.ts";
import { countNewNotices, listNotices, markNoticesSeen } from "../../lib/users/notice.ts";
import { noticeListJson } from "../../views/json/notice_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { NoticeList, NoticesPage } from "../../views/people/notices_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";

const shownNotices = 50;

export function noticeRoutes({ store, secret }: Pick<AppDeps, "store" | "secret">) {
  return new Hono<AppEnv>()
    .get("/notices", async (c) => {
      const { user } = callerOf(c);
      const cursor = await readCursor(store, user.id);
      return c.html(<NoticesPage user={user} cursor={cursor} {...await readPart(c)} />);
    })
    .get("/notices/list", async (c) => {
      const { user } = callerOf(c);
      return c.html(<NoticeList user={user} {...await readPart(c)} />);
    })
    .post("/notices/seen", async (c) => {
      await markNoticesSeen(store, callerOf(c, "generate").user.id);
      return wantsFragment(c) ? c.body(null, 204) : c.redirect("/notices", 303);
    })
    .get("/api/v1/notices", async (c) => {
      const { notices, newCount, pagination } = await read(c, { defaultLimit: 20 });
      return c.json(noticeListJson(notices, { newCount, pagination }));
    })
    .post("/api/v1/notices/seen", async (c) => {
      await markNoticesSeen(store, callerOf(c, "generate").user.id);
      return c.json(doneJson());
    });

  async function readPart(c: AppContext) {
    const { notices, newCount, pagination } = await read(c, { defaultLimit: shownNotices });
    return { notices, newCount, next: pagination.next };
  }

  async function read(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: "notices", secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const [page, newCount] = await Promise.all([
      listNotices(store, { userId: user.id, ...query.start }),
      countNewNotices(store, user.id),
    ]);
    return { notices: page.items, newCount, pagination: paginate(page, { name, query }) };
  }
}
