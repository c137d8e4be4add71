/** The way back to the first picture of a line, where all changes of it are made in one. */

/** From so many changes on it is offered to make them in one. */
const manySteps = 3;

export interface Steps {
  firstId: string;
  count: number;
}

export function FromFirst({ imageId, steps }: { imageId: string; steps: Steps | null }) {
  if (steps === null || steps.count < manySteps) return null;
  return (
    <div class="from-first">
      <a class="button quiet" href={`/images/${steps.firstId}/edit?as=words&again=${imageId}`}>
        Again from the first picture
      </a>
      <p class="muted">
        This one is {steps.count}{" "}
        changes away from its first picture, and each pass loses a little. All of them in one pass lose less.
      </p>
    </div>
  );
}
