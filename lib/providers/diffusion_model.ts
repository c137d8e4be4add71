/** What the servers that run Stable Diffusion and its kin on a machine of one's own have in common. */
import type { EditAbility, Model } from "../catalog/provider.ts";

const squares = ["512x512", "768x768", "1024x1024", "1536x1536"];
const others = ["768x512", "512x768", "1024x768", "768x1024", "1536x1024", "1024x1536"];

export const diffusionSizes: readonly string[] = [...squares, ...others];

export const diffusionLongestMs = 30 * 60_000;

export const strengthRange = { min: 0, max: 1, step: 0.05 };

/** Pictures that are sent along, within what a graphics card at home has room for. */
export function sentSources(max: number): EditAbility["sources"] {
  return {
    max,
    maxBytes: 8_000_000,
    longestSide: 2048,
    contentTypes: ["image/png", "image/jpeg"],
    by: "bytes",
    roles: false,
  };
}

/** Nobody bills it, and what another server calls by the same name is another model. */
export function onOwnMachine(model: Model, baseUrl: string): Model {
  return { ...model, seller: new URL(baseUrl).host, isFree: true };
}
