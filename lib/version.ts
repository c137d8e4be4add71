/** Which Darkroom this is: the number stands in deno.json alone. */
import manifest from "../deno.json" with { type: "json" };

export const version: string = manifest.version;
