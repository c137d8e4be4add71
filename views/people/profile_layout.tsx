/** The frame of the pages about the reader's own account. */
import type { Child } from "hono/jsx";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import { Tabs } from "../shell/tabs.tsx";

const tabs = [
  { href: "/profile", name: "Profile" },
  { href: "/profile/passkeys", name: "Passkeys" },
  { href: "/profile/webhooks", name: "Webhooks" },
];

export function ProfileLayout(
  { name, user, current, children }: { name: string; user: User; current: string; children?: Child },
) {
  return (
    <Layout title={name} user={user} current="/profile">
      <div class="heading">
        <h1>{name}</h1>
      </div>
      <Tabs name="Your account" tabs={tabs} current={current} />
      {children}
    </Layout>
  );
}
