/** A prompt and its pictures: in its final shape from the first moment, so that nothing moves while it develops. */
import type { Frame, PromptView } from "../../lib/live/prompt_view.ts";
import { Cost } from "../money/cost.tsx";
import { duration, plural, size } from "../shell/format.ts";
import { fileAddress, Thumbnail } from "../images/picture.tsx";
import { MaskAgain } from "../images/made_from.tsx";
import { progressWords } from "./progress_words.ts";

export function cardId(promptId: string): string {
  return `prompt-${promptId}`;
}

/** By what a card is the same as before; null while it develops. */
export function cardName({ prompt, madeOf }: PromptView): string | null {
  return madeOf && `card ${prompt.id} ${madeOf}`;
}

export function PromptCard({ view }: { view: PromptView }) {
  const { prompt, frames } = view;
  const { text } = prompt.request;
  const titleId = `${cardId(prompt.id)}-text`;
  return (
    <article
      id={cardId(prompt.id)}
      class="card"
      data-prompt-id={prompt.id}
      data-status={prompt.status}
      data-version={view.cursor}
      aria-labelledby={titleId}
    >
      <div class={frames.length === 1 ? "frames" : "frames many"}>
        {frames.map((frame, index) => <PictureFrame frame={frame} view={view} isFirst={index === 0} />)}
        <Before view={view} />
        <Bar view={view} />
      </div>
      <p id={titleId} class="text" dir="auto">{text}</p>
      {view.notes.map((note) => <p class="note">{note}</p>)}
      <div class="facts">
        <span>{prompt.request.model}</span>
        <span>{size(prompt.request.imageSize)}</span>
        {view.base !== null && view.base.image === null && <span>from a deleted picture</span>}
        <Outcome view={view} />
      </div>
      <div class="actions">
        <Actions view={view} />
      </div>
    </article>
  );
}

function PictureFrame({ frame, view, isFirst }: { frame: Frame; view: PromptView; isFirst: boolean }) {
  const { id, request, status } = view.prompt;
  const { width, height } = view.size;
  switch (frame.state) {
    case "picture":
      return (
        <a class="frame" href={`/images/${frame.view.image.id}`}>
          <Thumbnail image={frame.view.image} text={request.text} wide />
        </a>
      );
    case "developing":
      return (
        <div class="frame developing">
          {frame.preview === null ? <Paper width={width} height={height} /> : (
            <img
              src={`/prompts/${id}/preview?task=${frame.task}&version=${frame.preview.version}`}
              width={width}
              height={height}
              alt="Still developing"
            />
          )}
          {isFirst && frame.preview === null && <p class="words">{progressWords(view)}</p>}
        </div>
      );
    case "missing":
      return (
        <div class="frame missing">
          <Paper width={width} height={height} />
          {isFirst || status === "COMPLETED"
            ? (
              <div class="words">
                {frame.isDeleted ? <p>This picture was deleted.</p> : <FailureWords view={view} />}
              </div>
            )
            : null}
        </div>
      );
  }
}

/** An empty sheet in the shape of the picture that it stands for. */
function Paper({ width, height }: { width: number; height: number }) {
  return (
    <svg class="paper" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
    </svg>
  );
}

function FailureWords({ view: { failure } }: { view: PromptView }) {
  if (failure === null) return <p>No picture.</p>;
  return (
    <>
      <p>
        <strong>{failure.message}.</strong> {failure.detail && <q dir="auto">{failure.detail}</q>}
      </p>
      <p>{failure.cost}</p>
      <p>{failure.advice}</p>
    </>
  );
}

/** What is changed, in a corner of what comes of it. */
function Before({ view: { base } }: { view: PromptView }) {
  if (base === null || base.image === null) return null;
  return (
    <a class="before" href={`/images/${base.imageId}`}>
      <Thumbnail image={base.image} text="Before" />
    </a>
  );
}

/** Laid over the lower edge of the pictures. */
function Bar({ view }: { view: PromptView }) {
  const { prompt, progress } = view;
  if (prompt.status !== "PROCESSING") return null;
  const label = `Progress of ${prompt.request.text}`;
  return progress?.percent == null
    ? <progress aria-label={label}></progress>
    : <progress value={progress.percent} max={100} aria-label={label}></progress>;
}

function Outcome({ view }: { view: PromptView }) {
  const { prompt, entry, durationMs } = view;
  if (durationMs === null) return <span class="live">{progressWords(view)}</span>;
  return (
    <>
      {prompt.status !== "COMPLETED" && <span>{prompt.status === "FAILED" ? "failed" : "cancelled"}</span>}
      <span>{duration(durationMs)}</span>
      {entry === null
        ? <span>cost not known yet</span>
        : <Cost cost={entry} isCompleted={prompt.status === "COMPLETED"} />}
    </>
  );
}

function Actions({ view }: { view: PromptView }) {
  const { prompt, images, durationMs } = view;
  if (durationMs === null) {
    return <CardButton id={`cancel-${prompt.id}`} action={`/prompts/${prompt.id}/cancel`} name="Cancel" />;
  }
  return (
    <>
      <Onward view={view} />
      {images.length === 1 && (
        <a id={`download-${prompt.id}`} class="button quiet" href={fileAddress(images[0].image.id)} download>
          Download
        </a>
      )}
      {images.length > 1 && <span class="muted">{plural(images.length, "picture")}</span>}
      {prompt.tasks.some(({ received }) => received !== undefined) && (
        <CardButton
          id={`finish-${prompt.id}`}
          action={`/prompts/${prompt.id}/finish`}
          name="Try to finish it again"
        />
      )}
      <CardButton
        id={`retry-${prompt.id}`}
        action={`/prompts/${prompt.id}/retry`}
        name={againName(prompt)}
      />
      <a id={`use-${prompt.id}`} class="button quiet" href={`/generator?from=${prompt.id}`}>Use settings</a>
      <a id={`recipe-${prompt.id}`} class="button quiet" href={`/recipes/new?from=${prompt.id}`}>
        Save as recipe
      </a>
      {images.length === 1 && (
        <a
          id={`source-of-${prompt.id}`}
          class="button quiet"
          href={`/generator?source=${images[0].image.id}`}
        >
          Use as source
        </a>
      )}
    </>
  );
}

/** What the economy lane did not do is done by itself the next time. */
export function againName(
  { status, lane }: PromptView["prompt"],
  usual = status === "COMPLETED" ? "Again" : "Try again",
): string {
  if (lane !== "economy") return usual;
  return status === "COMPLETED" ? "Again, at full price" : "Now, at full price";
}

/** From a picture that was changed: on to the next change, or beside what it was. */
function Onward({ view: { prompt, images, base } }: { view: PromptView }) {
  if (base === null) return null;
  return (
    <>
      {images.map(({ image }, i) => {
        const number = images.length === 1 ? "" : ` ${i + 1}`;
        return (
          <>
            <a id={`further-${image.id}`} class="button quiet" href={`/images/${image.id}/edit`}>
              {`Take${number || " this"} further`}
            </a>
            {base.image !== null && (
              <a
                id={`compare-${image.id}`}
                class="button quiet"
                href={`/compare?images=${base.imageId},${image.id}`}
              >
                {`Compare${number}`}
              </a>
            )}
          </>
        );
      })}
      {base.image !== null && <MaskAgain request={prompt.request} />}
    </>
  );
}

/**
 * With an `id` a button is never turned into another one, which would move. What it changes comes back as fragments; what goes
 * wrong is said in the notice.
 */
export function CardButton({ id, action, name }: { id?: string; action: string; name: string }) {
  return (
    <form id={id} method="post" action={action} hx-post={action} hx-target="#notice" hx-disable="find button">
      <button class="quiet" type="submit">{name}</button>
    </form>
  );
}
