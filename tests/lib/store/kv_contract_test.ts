import { keepsContract } from "../../fixtures/kv_contract.ts";

/** One handle for both: a file has one process. */
keepsContract("a file", {
  async open() {
    const kv = await Deno.openKv(":memory:");
    return { kv, other: kv, checks: 100, [Symbol.asyncDispose]: () => Promise.resolve(kv.close()) };
  },
});
