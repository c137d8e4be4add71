/** How soon twenty pages of a board, of twenty people, hear that it has changed, against as many bare looks at a key. */
import { createBoard } from "../../lib/boards/board_store.ts";
import { setMember } from "../../lib/boards/members.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median } from "./harness.ts";

const people = 20;
const rounds = 40;

export const sharedBoards: Bench = {
  name: "shared boards",
  async run({ report, newFolder }) {
    await using darkroom = await openDarkroom(await newFolder());
    const { store, owner } = darkroom;
    const board = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
    const streams = await Promise.all(Array.from({ length: people }, async () => {
      const member = await darkroom.addMember();
      const name = { userId: owner.id, boardId: board.id, memberId: member.id };
      await store.locks.hold("members", () => setMember(store, { ...name, role: "viewer" }));
      const headers = await darkroom.withSession(member);
      const address = `${publicUrl}/events?pages=board:${board.id}`;
      return readEventStream(await darkroom.fetch(new Request(address, { headers })));
    }));
    const headers = {
      ...await darkroom.withSession(owner),
      "Content-Type": "application/json",
      Origin: publicUrl,
    };
    const say = async (text: string) => {
      const body = JSON.stringify({ imageId: null, text });
      const address = `${publicUrl}/api/v1/boards/${board.id}/comments`;
      const answer = await darkroom.fetch(new Request(address, { method: "POST", headers, body }));
      await answer.body?.cancel();
    };
    const taken: { heard: number[]; answered: number[] } = { heard: [], answered: [] };
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      const heard = Promise.all(
        streams.map((stream) => stream.find(({ data }) => data.includes("/changes"))),
      );
      await say(`round ${round}`);
      taken.answered.push(performance.now() - startedAt);
      await heard;
      taken.heard.push(performance.now() - startedAt);
    }
    for (const stream of streams) await stream.cancel();
    report({
      name: `a change of a board reaches ${people} open pages`,
      unit: "ms",
      subject: median(taken.heard),
      baseline: { name: "its own answer", value: median(taken.answered) },
      goal: { subject: "at most", value: 150 },
    });
  },
};
