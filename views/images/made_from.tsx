/** Of a picture that came out of others: whether the model kept what it was to keep, and what it was given. */
import type { SourceRole } from "../../lib/catalog/provider.ts";
import type { MadeImage } from "../../lib/images/image.ts";
import type { Edit, PromptRequest } from "../../lib/prompts/prompt.ts";
import { size } from "../shell/format.ts";
import { FromFirst, type Steps } from "./from_first.tsx";

export interface Origin {
  /** What was said to the model. */
  said: string;
  /** Null where the first picture is gone. */
  steps: Steps | null;
}

/** In words, with the way to another attempt. */
export function MadeFrom({ image, request, origin }: {
  image: MadeImage;
  request: PromptRequest;
  origin: Origin;
}) {
  const { edit } = request;
  if (edit === undefined) return null;
  return (
    <div class="made-from keep">
      <details class="sent">
        <summary>What is sent</summary>
        <ul>
          <li>
            <q dir="auto">{origin.said}</q>
          </li>
          {edit.sources.map(({ imageId, role, width, height }, i) => (
            <li>
              <a href={`/images/${imageId}`}>Picture {i + 1}</a>, {roleWords[role]}, {width} × {height}
            </li>
          ))}
          {partWords(edit) !== null && <li>{partWords(edit)}</li>}
          <li>Asked for in {size(edit.askedSize)}</li>
        </ul>
      </details>
      <MaskAgain request={request} />
      <FromFirst imageId={image.id} steps={origin.steps} />
    </div>
  );
}

/** The mask that a change was made with, to go on from. */
export function MaskAgain({ request: { text, edit } }: { request: PromptRequest }) {
  const base = edit?.sources.find(({ role }) => role === "base");
  if (!edit?.mask || base === undefined) return null;
  const form = new URLSearchParams({ as: "part", part: "earlier", maskId: edit.mask.maskId, prompt: text });
  return <a class="button quiet" href={`/images/${base.imageId}/edit?${form}`}>Edit the mask again</a>;
}

/** What is to be known where the rest of the picture was kept. */
export function Kept({ image: { id, edge, baseSha256 } }: { image: MadeImage }) {
  if (baseSha256 === null) return null;
  return (
    <div class={edge?.isOff ? "told" : "kept"}>
      <p>
        {edge?.isOff
          ? "The model moved or recoloured the rest. The rest is kept as it was, so look at the edge."
          : "What was not to change is kept as it was, pixel for pixel."}
      </p>
      <form method="post" action={`/images/${id}/whole`}>
        <button class="quiet" type="submit">Use the model's whole picture</button>
      </form>
    </div>
  );
}

const roleWords: { [role in SourceRole]: string } = {
  base: "the one that is changed",
  style: "for its style",
  subject: "for what it shows",
  reference: "to look at",
};

function partWords({ mask, frame, area }: Edit): string | null {
  if (frame !== null) return "The picture inside its frame";
  if (mask === null) return null;
  return area === null ? "What may change, as a mask" : "Only the part that changes and what is around it";
}
