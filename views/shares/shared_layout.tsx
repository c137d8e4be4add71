/** The frame of what people see who were given a link: nothing leads away from the pictures but the name. */
import type { Child } from "hono/jsx";
import { type Card, CardTags } from "../shell/card_tags.tsx";
import { Layout } from "../shell/layout.tsx";

export function SharedLayout({ title, card, live, children }: {
  title: string;
  /** Undefined: there is nothing to show of it elsewhere. */
  card?: Card;
  /** What tells when the page is over; undefined: nothing does. */
  live?: string;
  children?: Child;
}) {
  return (
    <Layout title={title} user={null} isForGuests head={<Head card={card} />}>
      {live !== undefined && <div hidden data-shared={live}></div>}
      {children}
    </Layout>
  );
}

function Head({ card }: { card: Card | undefined }) {
  return (
    <>
      <meta name="robots" content="noindex, nofollow" />
      <meta name="referrer" content="no-referrer" />
      {card !== undefined && <CardTags {...card} />}
    </>
  );
}

export const anyTitle = "A picture made with Darkroom";
