/** Chance that can be repeated: the same key gives the same numbers on every machine. */

export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number;
  between(low: number, high: number): number;
  /** Both ends included. */
  integer(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** A stream of its own, so that one thing more in the picture moves nothing else. */
  fork(name: string): Random;
}

export function createRandom(key: string): Random {
  const next = sfc32(hashWords(key));
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (probability) => next() < probability,
    fork: (name) => createRandom(`${key}/${name}`),
  };
}

/** Smooth noise along a line, from -1 to 1; octaves halve in strength. */
export function createNoise(random: Random, octaves = 3): (x: number) => number {
  const heights = Array.from({ length: 256 }, () => random.between(-1, 1));
  const smooth = (x: number) => {
    const left = Math.floor(x);
    const part = x - left;
    const eased = part * part * (3 - 2 * part);
    return heights[left & 255] * (1 - eased) + heights[(left + 1) & 255] * eased;
  };
  return (x) => {
    let sum = 0;
    let total = 0;
    for (let octave = 0; octave < octaves; octave++) {
      const weight = 0.5 ** octave;
      sum += weight * smooth(x * 2 ** octave + octave * 37.7);
      total += weight;
    }
    return sum / total;
  };
}

/** Four words that each depend on all characters (cyrb128 by bryc, public domain). */
function hashWords(key: string): [number, number, number, number] {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    a = b ^ Math.imul(a ^ code, 597399067);
    b = c ^ Math.imul(b ^ code, 2869860233);
    c = d ^ Math.imul(c ^ code, 951274213);
    d = a ^ Math.imul(d ^ code, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  return [(a ^ b ^ c ^ d) >>> 0, (b ^ a) >>> 0, (c ^ a) >>> 0, (d ^ a) >>> 0];
}

/** The sfc32 generator from PractRand, public domain. */
function sfc32([a, b, c, d]: [number, number, number, number]): () => number {
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}
