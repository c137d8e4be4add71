/** Versions of commits: numbers here, and to everybody else twenty digits that sort as they do. */

export function versionstampOf(version: bigint): string {
  return `${version.toString(16).padStart(16, "0")}0000`;
}

/** Zero: it must not be there. */
export function versionOf(versionstamp: string | null): bigint {
  if (versionstamp === null) return 0n;
  if (!/^[0-9a-f]{20}$/i.test(versionstamp)) throw new TypeError("Invalid check");
  const number = BigInt(`0x${versionstamp.slice(0, 16)}`);
  // No commit has such a version.
  return number === 0n || number >> 63n === 1n || !versionstamp.endsWith("0000") ? -1n : number;
}
