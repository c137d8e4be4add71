/** All of a picture's line as nested lists: under each picture what was made from it, the newest first. */
import type { Image } from "../../lib/images/image.ts";
import type { Lineage, LineageNode } from "../../lib/images/lineage.ts";
import type { Credits } from "../../lib/live/publication_view.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { CreditLine } from "../publications/credit.tsx";
import { Layout } from "../shell/layout.tsx";
import { money } from "../shell/format.ts";
import { LineagePicture, LineCost } from "./lineage.tsx";

interface LineagePageProps {
  user: Reader;
  cursor: string;
  /** Whose page led here. */
  image: Image;
  lineage: Lineage;
  /** Those of this page. */
  nodes: readonly LineageNode[];
  /** The cursor of the next page. */
  more: string | null;
  pictures: ReadonlyMap<string, Image>;
  /** What they go back to of others. */
  credits: Credits;
}

export function LineagePage(
  { user, cursor, image, lineage, nodes, more, pictures, credits }: LineagePageProps,
) {
  const here = image.id;
  const tree = treeOf(nodes, lineage.root);
  const names = new Map(lineage.nodes.map(({ id, text }) => [id, text ?? "an upload"]));
  return (
    <Layout title="Lineage" user={user} current="/gallery" live={{ page: "other", cursor }}>
      <div class="heading">
        <h1>Lineage</h1>
        <a class="button quiet" href={`/images/${here}`}>Back to the picture</a>
      </div>
      <p class="muted">
        <LineCost {...lineage} />
        {lineage.isCut && " There is more than is counted here."}
      </p>
      <Branches branches={tree} {...{ here, names, pictures, credits }} isLinked={user.hasGallery === true} />
      {more !== null && (
        <nav class="more" aria-label="More">
          <a class="button" href={`/images/${here}/lineage?cursor=${more}`}>What came later</a>
        </nav>
      )}
    </Layout>
  );
}

interface Branch {
  node: LineageNode;
  /** Newest first. */
  branches: Branch[];
}

/**
 * Each under the first of its parents that is here; without one it stands on its own. Uploads that were given besides are
 * told where they were.
 */
function treeOf(nodes: readonly LineageNode[], root: string): Branch[] {
  const byId = new Map(nodes.map((node): [string, Branch] => [node.id, { node, branches: [] }]));
  const tops: Branch[] = [];
  for (const branch of byId.values()) {
    if (branch.node.promptId === null && branch.node.id !== root) continue;
    const parent = branch.node.parents.map(({ imageId }) => byId.get(imageId)).find(Boolean);
    (parent?.branches ?? tops).unshift(branch);
  }
  return tops;
}

function Branches(
  { branches, here, names, pictures, credits, isLinked }: {
    branches: readonly Branch[];
    here: string;
    /** What the pictures of the line are called, by their ids. */
    names: ReadonlyMap<string, string>;
    pictures: ReadonlyMap<string, Image>;
    credits: Credits;
    isLinked: boolean;
  },
) {
  return (
    <ul class="lineage">
      {branches.map(({ node, branches: further }) => (
        <li>
          <div class="what">
            <LineagePicture node={node} image={pictures.get(node.id)} isHere={node.id === here} />
            <div>
              <p class="text" dir="auto">{node.text ?? "an upload"}</p>
              <CreditLine credit={credits(node.remixOf)} isLinked={isLinked} />
              <p class="muted">{factsOf(node, { here, names })}</p>
            </div>
          </div>
          {further.length > 0 && (
            <Branches branches={further} {...{ here, names, pictures, credits, isLinked }} />
          )}
        </li>
      ))}
    </ul>
  );
}

function factsOf(
  { id, promptId, costMicros, parents }: LineageNode,
  { here, names }: { here: string; names: ReadonlyMap<string, string> },
): string {
  const cost = costMicros === null ? "cost not known yet" : money(costMicros);
  const others = parents.slice(1).map(({ imageId, role }) =>
    `${names.get(imageId) ?? "another picture"} as ${role}`
  );
  return [
    promptId === null ? "uploaded" : cost,
    ...others.length > 0 ? [`with ${others.join(", ")}`] : [],
    ...id === here ? ["this picture"] : [],
  ].join(" · ");
}
