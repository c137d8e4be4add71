/** A fact of a picture, in the list beside it. */
import type { Child } from "hono/jsx";

export function Fact({ name, children }: { name: string; children?: Child }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
