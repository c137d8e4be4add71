/** Runs a step once those handed in before it have ended, however they ended; what it throws is its caller's. */
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
