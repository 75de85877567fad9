import { readAuditLine } from '@coffer/client';
import { table } from './output.ts';
import { safeText } from './safe-text.ts';
import { formatTime } from './time.ts';

/** One category, as it was verified here or by the server. */
export interface VerifiedCategory {
  readonly category: string;
  readonly lines: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly problem: {
    readonly kind: string;
    readonly file: string;
    readonly line: number;
    readonly seq: number;
  } | null;
  /** What became of the end that this device remembers; null when it remembers none. */
  readonly known: 'same' | 'other' | 'gone' | null;
}

/** Wrong in itself, or other than this device has seen it. */
export function isSound({ problem, known }: VerifiedCategory): boolean {
  return problem === null && known !== 'other';
}

/** A row for each category, and under it what is wrong. */
export function verifiedText(categories: readonly VerifiedCategory[]): string {
  const rows = categories.map((one) => [
    one.category,
    one.lines === 0 ? 'no lines' : `lines ${one.firstSeq}–${one.lastSeq}`,
    isSound(one) ? 'whole' : 'NOT WHOLE',
  ]);
  const wrong = categories.flatMap(problemsOf).map((line) => safeText(line));
  return [table(rows), ...wrong].join('\n');
}

function problemsOf({ category, problem, known, lastSeq }: VerifiedCategory): readonly string[] {
  const found = problem === null ? [] : [`${category}: ${whatIsWrong(problem)}`];
  const remembered = `${category}: this device has seen another end of it: lines were changed or taken back up to line ${lastSeq}`;
  return known === 'other' ? [...found, remembered] : found;
}

function whatIsWrong({ kind, file, line, seq }: NonNullable<VerifiedCategory['problem']>): string {
  const where = file === '' ? 'no file is left' : `${file} line ${line}${seq === 0 ? '' : ` (number ${seq})`}`;
  return (
    {
      unreadable: `${where} is no line of the log`,
      altered: `${where} was altered`,
      missing: `lines before ${where} are missing`,
      noticed: `${where}: the server noticed at its start that the lines before were changed`,
      truncated: `the last lines are missing; the last that is there: ${where}`,
    }[kind] ?? `${where}: ${kind}`
  );
}

/** A line of the log for a person; what is none is shown as it is. Everything in it is made safe. */
export function logLineText(text: string, nameOf: (account: string) => string): string {
  const line = readAuditLine(text, nameOf);
  if (line === undefined) return safeText(text);
  const { at, category, event, status, who, address, rest } = line;
  const time = typeof at === 'number' ? formatTime(at) : at;
  return safeText([time, category, event, status, who, address, ...rest].join('  '));
}
