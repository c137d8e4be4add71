/** Runs a step once enough of those handed in before it have ended, however they ended; what it throws is its caller's. */
export type InTurn = <T>(step: () => Promise<T>) => Promise<T>;

/** Steps that wait for each other, so that none decides by what another one is just changing. */
export function createInTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const mine = last.then(step, step);
    last = mine;
    return mine;
  };
}

/** Steps of which no more than `most` run at once, since each takes much memory or a whole core. */
export function createFewAtOnce(most: number): InTurn {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (step) => {
    if (free > 0) free--;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      return await step();
    } finally {
      const begin = waiting.shift();
      if (begin === undefined) free++;
      else begin();
    }
  };
}
