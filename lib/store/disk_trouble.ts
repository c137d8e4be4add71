/** Telling a disk that fails from what was done wrong here. */

/** SQLite's own words. Deno throws them as the same class as its complaints about keys and values, which are bugs. */
export function isOfTheDisk({ message }: TypeError): boolean {
  return /^(disk I\/O error|database or disk is full|attempt to write a readonly database|unable to open database file|database is locked)/
    .test(message);
}
