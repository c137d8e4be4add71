/** UUIDv7 (RFC 9562, method 3 with a 12-bit counter): ids made by one generator sort in the order they were made. */
export type Ids = () => string;

export function createIds(now: () => number): Ids {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const time = Math.max(now(), lastMs);
    counter = time === lastMs ? counter + 1 : 0;
    lastMs = time;
    if (counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }
    const random = crypto.getRandomValues(new Uint8Array(8));
    random[0] = (random[0] & 0x3f) | 0x80;
    const tail = random.toHex();
    const head = lastMs.toString(16).padStart(12, "0");
    return `${head.slice(0, 8)}-${head.slice(8)}-7${counter.toString(16).padStart(3, "0")}-` +
      `${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}

/** Sorts before every id that is made from that time on, in milliseconds since 1970. */
export function beforeIdsFrom(time: number): string {
  const head = Math.max(0, time).toString(16).padStart(12, "0");
  return `${head.slice(0, 8)}-${head.slice(8)}`;
}

/** When an id was made, in milliseconds since 1970. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True for what `createIds` makes; everything else names nothing. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}
