/** Numbers and times as people read them. */

/** Micro-dollars: `free`, `$0.02`, `$0.0125`; below a cent down to the micro-dollar. */
export function money(micros: number): string {
  return micros === 0 ? "free" : dollars(micros);
}

/** What a prompt cost in the end; one that brought nothing was not free but without charge. */
export function charge({ costMicros, isCompleted }: { costMicros: number; isCompleted: boolean }): string {
  return costMicros === 0 && !isCompleted ? "no charge" : money(costMicros);
}

/** The same where nothing is not a price but an amount: `$0.00`. */
export function dollars(micros: number): string {
  const digits = (micros / 1_000_000).toFixed(Math.abs(micros) < 10_000 ? 6 : 4);
  return "$" + digits.replace(/(\.\d\d\d*?)0+$/, "$1");
}

/** Milliseconds: `0.4 s`, `42 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A month such as "2026-11": "November 2026". */
export function monthName(month: string): string {
  const format = new Intl.DateTimeFormat("en-US", { month: "long", year: "numeric", timeZone: "UTC" });
  return format.format(new Date(`${month}-01T00:00:00Z`));
}

/** "1024x768" with a proper sign. */
export function size(imageSize: string): string {
  return imageSize.replace("x", " × ");
}

/** A price row's size; `*` stands for each that has no row of its own. */
export function sizeWords(rowSize: string): string {
  return rowSize === "*" ? "any other size" : size(rowSize);
}

export function bytes(count: number): string {
  if (count < 1_000_000) return `${Math.round(count / 1000)} kB`;
  return count < 1_000_000_000 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
