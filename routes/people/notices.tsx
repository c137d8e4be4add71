/** What a person is told: the page of it, and the same for programs. */
import { Hono } from "hono";
import { readCursor } from "../../lib/live/cursor.ts";
import { countNewNotices, listNotices, markNoticesSeen } from "../../lib/users/notice.ts";
import { noticeListAnswer, noticeListJson } from "../../views/json/notice_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { NoticeList, NoticesPage } from "../../views/people/notices_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { createOwnAnswer } from "../http/conditional.ts";
import { paginate, readListQuery } from "../http/list_query.ts";

const shownNotices = 50;

export function noticeRoutes(deps: Pick<AppDeps, "store" | "secret" | "publicUrl">) {
  const { store, secret } = deps;
  const answerList = createOwnAnswer(deps, noticeListAnswer);
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
      const query = readQuery(c, { defaultLimit: 20 });
      return await answerList(c, async () => {
        const { notices, newCount, pagination } = await read(c, query);
        return noticeListJson(notices, { newCount, pagination });
      });
    })
    .post("/api/v1/notices/seen", async (c) => {
      await markNoticesSeen(store, callerOf(c, "generate").user.id);
      return c.json(doneJson());
    });

  async function readPart(c: AppContext) {
    const { notices, newCount, pagination } = await read(c, readQuery(c, { defaultLimit: shownNotices }));
    return { notices, newCount, next: pagination.next };
  }

  function readQuery(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const name = { userId: callerOf(c).user.id, list: "notices", secret };
    return { name, query: readListQuery(c, { ...name, defaultLimit }) };
  }

  async function read(c: AppContext, { name, query }: ReturnType<typeof readQuery>) {
    const { user } = callerOf(c);
    const [page, newCount] = await Promise.all([
      listNotices(store, { userId: user.id, ...query.start }),
      countNewNotices(store, user.id),
    ]);
    return { notices: page.items, newCount, pagination: paginate(c, { page, name, query }) };
  }
}
