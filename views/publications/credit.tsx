/** What somebody's picture goes back to: names and titles of others, which stay what they are among other words. */
import type { Credit } from "../../lib/live/publication_view.ts";

/** A line by itself; nothing where there is no credit. */
export function CreditLine({ credit, isLinked }: { credit: Credit | null; isLinked: boolean }) {
  if (credit === null) return null;
  return (
    <p class="credit">
      A remix <CreditWords credit={credit} isLinked={isLinked} />
    </p>
  );
}

/** Such as: after *Fox at dusk* by Ada. What is not shown any more is not named. */
export function CreditWords({ credit, isLinked = true }: { credit: Credit; isLinked?: boolean }) {
  if (credit.kind === "share") return <>after a shared picture</>;
  const { shown, publicationId } = credit;
  if (shown === null) return <>after a picture that was withdrawn</>;
  const title = <cite dir="auto">{shown.title}</cite>;
  return (
    <>
      after {isLinked ? <a href={`/explore/${publicationId}`}>{title}</a> : title} by{" "}
      <bdi>{shown.author}</bdi>
    </>
  );
}
