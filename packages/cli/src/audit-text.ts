import { auditFindings, isSound, readAuditLine } from '@coffer/client';
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

/** A row for each category, and under it what is wrong. */
export function verifiedText(categories: readonly VerifiedCategory[]): string {
  const rows = categories.map((one) => [
    one.category,
    one.lines === 0 ? 'no lines' : `lines ${one.firstSeq}–${one.lastSeq}`,
    isSound(one) ? 'whole' : 'NOT WHOLE',
  ]);
  const wrong = categories.flatMap(auditFindings).map((line) => safeText(line));
  return [table(rows), ...wrong].join('\n');
}

/** A line of the log for a person; what is none is shown as it is. Everything in it is made safe. */
export function logLineText(text: string, nameOf: (account: string) => string): string {
  const line = readAuditLine(text, nameOf);
  if (line === undefined) return safeText(text);
  const { at, category, event, status, who, address, rest } = line;
  const time = typeof at === 'number' ? formatTime(at) : at;
  return safeText([time, category, event, status, who, address, ...rest].join('  '));
}
