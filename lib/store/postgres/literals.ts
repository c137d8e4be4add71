/** Arrays as PostgreSQL reads them. */

export function arrayOf(elements: readonly (number | bigint | null)[]): string {
  return `{${elements.map((element) => element ?? "NULL").join(",")}}`;
}

/** Of `bytea`. */
export function bytesArrayOf(elements: readonly (Uint8Array | null)[]): string {
  return `{${elements.map((bytes) => bytes === null ? "NULL" : `"\\\\x${bytes.toHex()}"`).join(",")}}`;
}
