/** The pages of one part of the site, side by side. */
export function Tabs(
  { name, tabs, current }: { name: string; tabs: { href: string; name: string }[]; current: string },
) {
  return (
    <nav class="filters" aria-label={name}>
      {tabs.map((tab) => (
        <a href={tab.href} aria-current={tab.href === current ? "page" : undefined}>{tab.name}</a>
      ))}
    </nav>
  );
}
