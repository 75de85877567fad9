import type { RunFacts } from '../run-facts.ts';
import type { Spread } from '../statistics.ts';

const GiB = 1024 ** 3;

/** The lines that say how figures came to be. */
export function describeRun({ command, commit, at, machine, runs, isolated }: RunFacts): string {
  const memory = `${(machine.memoryBytes / GiB).toFixed(0)} GiB`;
  return [
    `- Command: \`${command}\``,
    `- Commit: ${commit}, ${at.slice(0, 10)}`,
    `- Machine: ${machine.cores} cores (${machine.processor}), ${memory} memory, ${machine.kernel}, Node ${machine.node}`,
    `- Runs: ${runs} of every step; medians with (least–most).`,
    ...(isolated ? [] : ['- Bytes on the wire include those of other programs on the loopback interface.']),
  ].join('\n');
}

/** `1.20 (1.10–1.30)`. */
export function describeSpread(spread: Spread | undefined, digits = 2): string {
  if (spread === undefined) return '–';
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) => value.toFixed(digits));
  return least === most ? `${median}` : `${median} (${least}–${most})`;
}

/** A Markdown table whose columns line up, the first to the left and all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0), 3));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', { width, right: column > 0 })).join(' | ')} |`;
  const rules = widths.map((width, column) => (column > 0 ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2)));
  return [line(head), `|${rules.join('|')}|`, ...rows.map(line)].join('\n');
}

function pad(text: string, { width, right }: { width: number; right: boolean }): string {
  return right ? text.padStart(width) : text.padEnd(width);
}
