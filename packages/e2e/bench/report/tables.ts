import type { Part, ToolResult, TransferResult } from '../result.ts';
import type { Sample } from '../sample.ts';
import { ratiosOf, spreadOf } from '../statistics.ts';
import { steps, stepTitles } from '../tool.ts';
import type { Step } from '../tool.ts';
import { judgeBars } from './bars.ts';
import { describeSpread, describeRun, table } from './markdown.ts';

const MiB = 1024 ** 2;

/** The whole result as Markdown, which reads well on a terminal too. */
export function describeResult(result: TransferResult): string {
  const sections = [
    `${describeRun(result)}\n${describeTools(result)}`,
    ...result.parts.flatMap(describePart),
    describeBars(result),
    describeFaults(result),
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

function describeTools({ tools, skipped, scale }: TransferResult): string {
  return [
    ...(scale === 1 ? [] : [`- At ${scale} of the full size.`]),
    ...tools.map(({ name, title, version }) => `- \`${name}\`: ${title} (${version})`),
    ...skipped.map(({ name, reason }) => `- \`${name}\` was not measured: ${reason}`),
  ].join('\n');
}

function describePart(part: Part): string[] {
  return [
    `### ${part.title} on ${part.where}${part.fileSystem === part.where ? '' : ` (${part.fileSystem})`}`,
    'Seconds:',
    table(
      ['tool', ...steps.map((step) => stepTitles[step])],
      part.results.map((result) => [result.tool, ...steps.map((step) => seconds(result.samples[step]))]),
    ),
    'Coffer’s rate as a multiple of the other’s, run by run:',
    table(
      ['compared with', ...steps.map((step) => stepTitles[step])],
      part.results
        .filter(({ tool }) => tool !== 'coffer')
        .map((result) => [result.tool, ...steps.map((step) => ratio(part, result, step))]),
    ),
    'Processor seconds of client and server together:',
    table(
      ['tool', ...steps.map((step) => stepTitles[step])],
      part.results.map((result) => [result.tool, ...steps.map((step) => processorSeconds(result.samples[step]))]),
    ),
    'Largest memory of a step and what the server keeps after the first upload, in MiB; bytes on the wire in both directions, in MiB:',
    table(
      ['tool', 'client', 'server', 'stored', 'of it content', ...steps.map((step) => `wire: ${stepTitles[step]}`)],
      part.results.map(costs),
    ),
  ];
}

function describeBars(result: TransferResult): string {
  const verdicts = judgeBars(result);
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ part, what, bar, stretch, measured, reached }) => [
    `${part.workload}, ${part.where}`,
    what,
    bar,
    stretch,
    measured,
    reached,
  ]);
  return `### Bars\n\n${table(['workload', 'what', 'bar', 'stretch', 'measured', 'reached'], rows)}`;
}

function describeFaults({ parts }: TransferResult): string {
  const lines = parts.flatMap((part) =>
    part.results.flatMap(({ tool, faults }) =>
      [...new Set(faults)].map((fault) => `- ${part.where}, ${part.workload}, ${tool}: ${firstLineOf(fault)}`),
    ),
  );
  return lines.length === 0 ? '' : `### Faults\n\n${lines.join('\n')}`;
}

function costs(result: ToolResult): string[] {
  const samples = steps.flatMap((step) => result.samples[step] ?? []);
  return [
    result.tool,
    mebibytes(largest(samples.map(({ clientPeakBytes }) => clientPeakBytes))),
    mebibytes(largest(samples.map(({ serverPeakBytes }) => serverPeakBytes))),
    mebibytes(spreadOf(result.stored.map(({ totalBytes }) => totalBytes))?.median),
    mebibytes(spreadOf(result.stored.map(({ contentBytes }) => contentBytes))?.median),
    ...steps.map((step) => mebibytes(spreadOf(wire(result.samples[step]))?.median, 2)),
  ];
}

function wire(samples: readonly Sample[] = []): number[] {
  return samples.flatMap(({ wireBytes }) => (wireBytes === undefined ? [] : [wireBytes]));
}

function seconds(samples: readonly Sample[] = []): string {
  return describeSpread(spreadOf(samples.map(({ wallMs }) => wallMs / 1000)));
}

function processorSeconds(samples: readonly Sample[] = []): string {
  return describeSpread(spreadOf(samples.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs / 1000]))));
}

function ratio(part: Part, other: ToolResult, step: Step): string {
  const own = part.results.find(({ tool }) => tool === 'coffer')?.samples[step] ?? [];
  const theirs = other.samples[step] ?? [];
  return describeSpread(
    ratiosOf(
      theirs.map(({ wallMs }) => wallMs),
      own.map(({ wallMs }) => wallMs),
    ),
  );
}

function mebibytes(bytes: number | undefined, digits = 0): string {
  return bytes === undefined ? '–' : (bytes / MiB).toFixed(digits);
}

function largest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

/** Faults of programs quote their command lines, whose paths are nobody's business. */
function firstLineOf(fault: string): string {
  return (fault.split('\n')[0] ?? '').replaceAll(/(?:\/[\w.@+-]+){2,}/g, '…');
}
