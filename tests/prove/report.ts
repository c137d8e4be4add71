/** One table over all findings: promise, cases, violations, figure; below it what was broken, and by which facts. */
import { spread } from "./load.ts";
import { type Finding, type PromiseName, promises } from "./promises.ts";

export interface Report {
  add(findings: readonly Finding[], where: string): void;
  violationCount(): number;
  print(write: (line: string) => void): void;
}

interface Row {
  cases: number;
  violations: { where: string; says: string; trace: string[] }[];
  figures: string[];
  milliseconds: number[];
}

const mostShown = 3;

export function createReport(): Report {
  const rows = new Map<PromiseName, Row>();
  const notes: string[] = [];
  return {
    add(findings, where) {
      for (const { promise, cases, violations, figure, milliseconds = [], notes: own = [] } of findings) {
        const row = rows.get(promise) ?? { cases: 0, violations: [], figures: [], milliseconds: [] };
        rows.set(promise, row);
        row.cases += cases;
        row.violations.push(...violations.map((each) => ({ where, ...each })));
        row.milliseconds.push(...milliseconds);
        if (figure !== undefined) row.figures.push(figure);
        notes.push(...own);
      }
    },
    violationCount: () => rows.values().reduce((sum, { violations }) => sum + violations.length, 0),
    print(write) {
      write("| promise | cases | violations | figure |");
      write("| --- | ---: | ---: | --- |");
      for (const name of Object.keys(promises) as PromiseName[]) {
        const row = rows.get(name);
        if (row === undefined) continue;
        const cells = [
          promises[name],
          row.cases.toLocaleString("en-US"),
          row.violations.length,
          figureOf(row),
        ];
        write(`| ${cells.join(" | ")} |`);
      }
      if (notes.length > 0) write("");
      for (const note of notes) write(`- ${note}`);
      for (const [name, { violations }] of rows) {
        if (violations.length === 0) continue;
        write(`\n${promises[name]}: ${violations.length} violations`);
        for (const { where, says, trace } of violations.slice(0, mostShown)) {
          write(`  ${where}: ${says}`);
          for (const fact of trace) write(`      ${fact}`);
        }
      }
    },
  };
}

function figureOf({ figures, milliseconds }: Row): string {
  const distribution = milliseconds.length === 0
    ? []
    : [spread(milliseconds.map((each) => Math.max(0, each)))];
  return [...distribution, ...figures].join("; ");
}
