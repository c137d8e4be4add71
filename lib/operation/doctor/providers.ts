/** The providers, asked as the admin's page asks them: nothing is made, and nothing is paid. */
import type { ProviderHealth, SeenProvider } from "../../catalog/health.ts";
import { bad, good, look, type Said } from "./finding.ts";

export async function examineProviders(health: Pick<ProviderHealth, "check">): Promise<Said[]> {
  const seen = await health.check();
  const others = seen.filter(({ status }) => status !== null);
  if (others.length === 0) {
    return [look("only the built-in one is switched on: docs/providers.md has the settings of the others")];
  }
  return others.map(said);
}

function said({ provider: { name, models }, status }: SeenProvider): Said {
  const { state, detail, balance } = status!;
  const because = detail ? ` (${detail.replaceAll(/\s+/g, " ")})` : "";
  switch (state) {
    case "ok":
      return models.length === 0
        ? look(`${name} answers and offers no model that is known here${because}`)
        : good(`${name} answers${balance === null ? "" : `, and has ${balance} left`}`);
    case "key_refused":
      return bad(`${name} refuses the key${because}: set another one`);
    case "unreachable":
      return bad(
        `${name} does not answer${because}: see its address, and what stands between here and there`,
      );
    case "trouble":
      return bad(`${name} is in trouble${because}: see its own pages, or the account's balance`);
  }
}
