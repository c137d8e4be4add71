/** On a picture's page: what it came from, with what was asked for in between, and what was made from it. */
import type { Image } from "../../lib/images/image.ts";
import type { Family, LineageNode } from "../../lib/images/lineage.ts";
import { dollars, plural } from "../shell/format.ts";
import { Thumbnail } from "./picture.tsx";

export function PictureFamily({ family }: { family: Family }) {
  const { imageId, ancestors, children: made, childCount, pictures } = family;
  if (ancestors.length < 2 && childCount === 0) return null;
  return (
    <section class="family" aria-labelledby="lineage">
      <h2 id="lineage">{ancestors.length > 1 ? "Where it comes from" : "Made from it"}</h2>
      {ancestors.length > 1 && (
        <ol class="line">
          {ancestors.map((node, index) => (
            <li>
              {index > 0 && <p class="step" dir="auto">{node.text}</p>}
              <LineagePicture node={node} image={pictures.get(node.id)} isHere={node.id === imageId} />
            </li>
          ))}
        </ol>
      )}
      {childCount > 0 && (
        <>
          {ancestors.length > 1 && <h3>Made from it</h3>}
          <ul class="made">
            {made.map((node) => (
              <li>
                <LineagePicture node={node} image={pictures.get(node.id)} />
                <p class="step" dir="auto">{node.text}</p>
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="muted">
        <LineCost {...family} /> <a href={`/images/${imageId}/lineage`}>Show all of it</a>
        {childCount > made.length && `, and ${childCount - made.length} more made from this one`}
      </p>
    </section>
  );
}

export function LineCost({ costMicros, promptCount }: { costMicros: number; promptCount: number }) {
  if (promptCount === 0) return <>Nothing was made of it yet.</>;
  return <>This line cost {dollars(costMicros)} over {plural(promptCount, "prompt")}.</>;
}

/** A small picture that leads to its page; a deleted one keeps its place. */
export function LineagePicture(
  { node, image, isHere = false }: { node: LineageNode; image: Image | undefined; isHere?: boolean },
) {
  if (image === undefined) return <span class="thumb gone-picture">a deleted picture</span>;
  const name = node.text ?? image.title;
  return (
    <a class="thumb" href={`/images/${node.id}`} aria-current={isHere ? "page" : undefined}>
      <Thumbnail image={image} text={name} />
    </a>
  );
}
