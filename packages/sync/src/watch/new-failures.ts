import type { ReportedError, SyncReport } from '../report.ts';

/** Kept at most: beyond, something is told twice. */
const maxKept = 10_000;

/** Tells each path that failed once, however often it fails. */
export class NewFailures {
  #told = new Set<string>();

  /** The report with the failures that nobody was told of. Those that a look at everything does not meet are forgotten. */
  filter(report: SyncReport, isWhole: boolean): SyncReport {
    const fresh = report.errors.filter((error) => !this.#told.has(keyOf(error)));
    if (isWhole || this.#told.size > maxKept) this.#told = new Set(report.errors.map(keyOf));
    else for (const error of fresh) this.#told.add(keyOf(error));
    return { ...report, errors: fresh };
  }
}

function keyOf({ path, code }: ReportedError): string {
  return `${code} ${path}`;
}
