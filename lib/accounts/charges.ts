/** What a user was charged for, with what it was for. */
import { monthOf } from "../money/account.ts";
import { type LedgerEntry, readLedger } from "../money/ledger.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { listPrompts } from "../prompts/prompt_store.ts";
import type { Store } from "../store/store.ts";

const chargesAtOnce = 500;

/** What a user was charged for in a month, with the prompts it was for, the latest first. */
export async function* listCharges(
  store: Store,
  { userId, month }: { userId: string; month: string },
): AsyncGenerator<{ entry: LedgerEntry; prompt: Prompt }> {
  let before: number | undefined;
  do {
    const page = await listPrompts(store, { userId, limit: chargesAtOnce, before });
    const prompts = page.items.map(({ value }) => value);
    const entries = await readLedger(store, prompts.map(({ id }) => id));
    for (const [index, found] of entries.entries()) {
      if (found !== null && monthOf(found.value.at) === month) {
        yield { entry: found.value, prompt: prompts[index] };
      }
    }
    before = page.next ?? undefined;
  } while (before !== undefined);
}
