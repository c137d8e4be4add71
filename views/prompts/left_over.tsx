/** What of a picture's settings did not fit into the form, in words. */
import type { Left, LeftOver } from "../../lib/images/found_settings.ts";

const words: { [what in LeftOver]: string } = {
  sampler: "the sampler",
  scheduler: "the scheduler",
  lora: "LoRA",
  vae: "the VAE",
  clipSkip: "clip skip",
  denoise: "the strength of a picture that it began with",
  hires: "enlarging",
  controlNet: "ControlNet",
  styles: "styles",
  flags: "flags",
  parts: "further parts of the prompt",
  cutPrompt: "the end of the prompt, which is too long",
  cutNegativePrompt: "the end of what to leave out, which is too long",
  longPrompt: "",
  size: "a size that the model does not make",
  model: "a model that is not here",
  count: "the number of pictures",
  seed: "a seed that the model does not take",
  steps: "steps that the model does not take",
  guidance: "a guidance that the model does not take",
  negativePrompt: "what to leave out, which the model does not take",
  watermark: "the watermark",
};

export function LeftOvers({ left }: { left: readonly Left[] }) {
  const named = left.filter(({ what }) => words[what] !== "");
  const isTooLong = left.some(({ what }) => what === "longPrompt");
  if (left.length === 0) return null;
  return (
    <div class="left-over muted" role="status">
      <p>
        The form is filled from the picture's settings.{isTooLong &&
          " The prompt is longer than this server takes: shorten it."}
      </p>
      {named.length > 0 && (
        <>
          <p>Not taken over:</p>
          <ul>
            {named.map(({ what, value }) => (
              <li>
                {words[what]}
                {value && (
                  <>
                    : <bdi>{value}</bdi>
                  </>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
