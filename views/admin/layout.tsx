/** The frame of the pages for admins: each part of the administration is a page of its own. */
import type { Child } from "hono/jsx";
import manifest from "../../deno.json" with { type: "json" };
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { Layout } from "../shell/layout.tsx";
import { Tabs } from "../shell/tabs.tsx";

/** Names of users by their id; who has none is gone. */
export type Names = ReadonlyMap<string, string>;

const tabs = [
  { href: "/admin", name: "Users" },
  { href: "/admin/invitations", name: "Invitations" },
  { href: "/admin/spend", name: "Spend" },
  { href: "/admin/analytics", name: "Analytics" },
  { href: "/admin/prices", name: "Prices" },
  { href: "/admin/providers", name: "Providers" },
  { href: "/admin/queue", name: "Queue" },
  { href: "/admin/storage", name: "Storage" },
  { href: "/admin/audit", name: "Changes" },
];

/** Only where there is a public gallery. */
const moderation = { href: "/admin/moderation", name: "Moderation" };

export function AdminLayout(
  { name, user, current, children }: { name: string; user: Reader; current: string; children?: Child },
) {
  return (
    <Layout title={name} user={user} current="/admin">
      <div class="heading">
        <h1>{name}</h1>
      </div>
      <Tabs name="Administration" tabs={user.hasGallery ? [...tabs, moderation] : tabs} current={current} />
      {children}
      <p class="muted">Darkroom {manifest.version}</p>
    </Layout>
  );
}
