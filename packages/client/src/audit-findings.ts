/** A category of the audit log as it was verified, by the server or on its machine. */
interface Category {
  readonly category: string;
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

/** Nothing in it is wrong, nor other than this device remembers. */
export function isSound({ problem, known }: Pick<Category, 'problem' | 'known'>): boolean {
  return problem === null && known !== 'other';
}

/** What is wrong with a category of the log, for a person; nothing when it is sound. Names of files are the server's word. */
export function auditFindings({ category, problem, known, lastSeq }: Category): readonly string[] {
  const found = problem === null ? [] : [`${category}: ${whatIsWrong(problem)}`];
  const remembered = `${category}: this device has seen another end of it: lines were changed or taken back up to line ${lastSeq}`;
  return known === 'other' ? [...found, remembered] : found;
}

function whatIsWrong({ kind, file, line, seq }: NonNullable<Category['problem']>): string {
  const where = file === '' ? 'no file is left' : `${file} line ${line}${seq === 0 ? '' : ` (number ${seq})`}`;
  const texts: Readonly<Record<string, string>> = {
    unreadable: `${where} is no line of the log`,
    altered: `${where} was altered`,
    missing: `lines before ${where} are missing`,
    noticed: `${where}: the server noticed at its start that the lines before were changed`,
    truncated: `the last lines are missing; the last that is there: ${where}`,
  };
  return texts[kind] ?? `${where}: ${kind}`;
}
