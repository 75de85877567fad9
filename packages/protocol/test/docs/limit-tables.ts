import { commitLimits, contentLimits, identityLimits } from '@coffer/journal';
import { protocolLimits } from '@coffer/protocol';
import { exactSize, markdownTable, readProjectFile } from './generated-part.ts';

type Limits = Readonly<Record<string, number>>;

/** Each group of limits that is a constant in the sources, with the file that gives the reasons. */
export const limitGroups: readonly { readonly name: string; readonly limits: Limits; readonly file: string }[] = [
  { name: 'protocolLimits', limits: protocolLimits, file: 'packages/protocol/src/limits.ts' },
  { name: 'commitLimits', limits: commitLimits, file: 'packages/journal/src/limits.ts' },
  { name: 'contentLimits', limits: contentLimits, file: 'packages/journal/src/limits.ts' },
  { name: 'identityLimits', limits: identityLimits, file: 'packages/journal/src/limits.ts' },
];

/** Name, value and reason of every limit of one group; the reason is the comment above it in the source. */
export function limitTable({ name, limits, file }: (typeof limitGroups)[number]): string {
  const reasons = reasonsOf(readProjectFile(file), name);
  const rows = Object.entries(limits).map(([limit, value]) => [
    `\`${limit}\``,
    format(limit, value),
    reasons.get(limit) ?? '',
  ]);
  return markdownTable(['limit', 'value', 'why'], rows);
}

function reasonsOf(source: string, group: string): Map<string, string> {
  const start = source.indexOf(`export const ${group} = {`);
  const body = source.slice(start, source.indexOf('\n} as const', start));
  const entries = body.matchAll(/\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\s*(?<name>\w+):/g);
  return new Map(
    [...entries].map(({ groups }) => [
      groups?.['name'] ?? '',
      (groups?.['comment'] ?? '').replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim(),
    ]),
  );
}

function format(name: string, value: number): string {
  if (/bytes$/i.test(name)) return exactSize(value);
  if (name.endsWith('Ms')) return formatDuration(value);
  if (name.endsWith('PerSecond')) return `${exactSize(value)}/s`;
  return value.toLocaleString('en');
}

function formatDuration(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000} d`;
  if (ms % 60_000 === 0 && ms > 120_000) return `${ms / 60_000} min`;
  return `${ms / 1000} s`;
}
