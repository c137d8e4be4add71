import assert from "node:assert/strict";
import { type Backlog, takeNext, withOffer } from "../../../lib/live/backlog.ts";
import { isOfBatch, isOfPrompt, type News } from "../../../lib/live/read_changes.ts";

/** "b2": prompt b, the second of its user, as it was at version 2; "B2": batch B; "queue": where the queue stands. */
const change = (name: string) => {
  if (name === "queue") return {} as News;
  const [id, cursor] = [name[0], name.slice(1)];
  const news = id === id.toUpperCase()
    ? { batch: { batch: { id } }, cursor }
    : { view: { prompt: { id, sequence: id.charCodeAt(0) - 96 }, cursor } };
  return news as News;
};
const nameOf = (news: News) => {
  if (isOfPrompt(news)) return news.view.prompt.id + news.view.cursor;
  return isOfBatch(news) ? news.batch.batch.id + news.cursor : "queue";
};

const backlog = (waiting: string, { handedOver = "0", offered = "0" } = {}): Backlog => ({
  waiting: waiting.split(" ").filter(Boolean).map(change),
  handedOver,
  offered,
});

const namesOf = ({ waiting }: Backlog) => waiting.map(nameOf).join(" ");

for (
  const [waiting, offered, cursor, after] of [
    ["", "", "5", ""],
    ["", "a1", "1", "a1"],
    ["", "b2 a1", "2", "a1 b2"],
    ["a1 b2", "a3", "3", "b2 a3"],
    ["a1 b2", "c1", "2", "a1 c1 b2"],
    ["a1 b2", "a1", "2", "a1 b2"],
    ["a1 b2", "d2 c2", "2", "a1 b2 c2 d2"],
    ["a3", "b2 c4", "4", "b2 a3 c4"],
    ["a1", "b2 B2", "2", "a1 B2 b2"],
    ["B1 a1", "B2 b2", "2", "a1 B2 b2"],
    ["a1 b2", "queue c3", "3", "queue a1 b2 c3"],
    ["queue a1", "queue", "1", "queue a1"],
  ]
) {
  Deno.test(`where "${waiting}" waits, an offer of "${offered}" leaves "${after}"`, () => {
    const result = withOffer(backlog(waiting), {
      changes: offered.split(" ").filter(Boolean).map(change),
      cursor,
    });
    assert.deepEqual([namesOf(result), result.offered, result.handedOver], [after, cursor, "0"]);
  });
}

for (
  const [waiting, state, taken, handedOver] of [
    ["a1", { offered: "1" }, "a1", "1"],
    ["a1", { offered: "4" }, "a1", "4"],
    ["a1 b2", { offered: "2" }, "a1", "1"],
    ["a1 b1", { offered: "1" }, "a1", "00000000000000000002"],
    ["a3 b3", { offered: "4", handedOver: "1" }, "a3", "1"],
    ["a3 b3", { offered: "2", handedOver: "1" }, "a3", "2"],
    ["a1 b2", { offered: "4" }, "a1", "1"],
    ["a5 b6", { offered: "4" }, "a5", "4"],
    ["a1 b2", { offered: "2", handedOver: "1" }, "a1", "1"],
    ["a1 b5", { offered: "4", handedOver: "3" }, "a1", "3"],
    ["a1", { offered: "2", handedOver: "3" }, "a1", "3"],
  ] as const
) {
  const { offered, handedOver: before = "0" } = { handedOver: undefined, ...state };
  Deno.test(`of "${waiting}", offered up to ${offered}, ${taken} brings a reader from ${before} to ${handedOver}`, () => {
    const { change, rest } = takeNext(backlog(waiting, { offered, handedOver: before }))!;
    assert.deepEqual([nameOf(change), rest.handedOver], [taken, handedOver]);
    assert.equal(namesOf(rest), waiting.split(" ").slice(1).join(" "));
  });
}

Deno.test("where nothing waits there is nothing to take", () => {
  assert.equal(takeNext(backlog("", { offered: "7" })), null);
});
