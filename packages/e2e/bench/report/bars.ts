import type { Part, ToolResult, TransferResult } from '../result.ts';
import { ratiosOf, spreadOf } from '../statistics.ts';
import type { Spread } from '../statistics.ts';
import { steps, stepTitles } from '../tool.ts';
import type { Step } from '../tool.ts';
import type { WorkloadName } from '../workloads.ts';

const MiB = 1024 ** 2;

/** A number that Coffer has set itself to reach. */
interface Bar {
  readonly workload: WorkloadName;
  readonly what: string;
  /** NaN where there is only a stretch. */
  readonly bar: number;
  readonly stretch?: number;
  /** Whether more or less is better. */
  readonly better: 'more' | 'less';
  readonly unit: '×' | 'MiB';
  readonly measured: (part: Part) => Spread | undefined;
}

export interface Verdict {
  readonly part: Part;
  readonly what: string;
  /** As text: `≥ 2.50 ×`. */
  readonly bar: string;
  readonly stretch: string;
  readonly measured: string;
  /** `–` where there is only a stretch, and it is not reached. */
  readonly reached: 'stretch' | 'yes' | 'no' | '–';
}

const bars: readonly Bar[] = [
  faster('file', 'upload', { peer: 'restic', bar: 2.5 }),
  faster('file', 'upload', { peer: 'rclone-https', bar: 1 }),
  faster('file', 'upload', { peer: 'rsync', stretch: 1 }),
  faster('file', 'edit', { peer: 'restic', bar: 1.5 }),
  faster('file', 'restore', { peer: 'restic', bar: 2 }),
  faster('file', 'restore', { peer: 'scp', stretch: 1 }),
  wire('file', 'unchanged', 0.2),
  wire('file', 'edit', 8),
  clientMemory('file', 220),
  faster('tree', 'upload', { peer: 'restic', bar: 1.5 }),
  faster('tree', 'upload', { peer: 'borg', bar: 2.5 }),
  faster('tree', 'upload', { peer: 'rsync', stretch: 1 }),
  faster('tree', 'unchanged', { peer: 'rsync', bar: 1, stretch: 2 }),
  faster('tree', 'restore', { peer: 'restic', bar: 2 }),
  faster('tree', 'restore', { peer: 'rsync', bar: 1 }),
  wire('tree', 'unchanged', 0.2),
  {
    workload: 'tree',
    what: 'stored content, of restic’s',
    bar: 1.03,
    stretch: 1,
    better: 'less',
    unit: '×',
    measured: (part) => ratiosOf(contentBytes(find(part, 'coffer')), contentBytes(find(part, 'restic'))),
  },
  clientMemory('tree', 320),
];

/** How every bar was met in every place where its peer was measured. */
export function judgeBars({ parts }: TransferResult): Verdict[] {
  return parts.flatMap((part) =>
    bars.flatMap((bar) => {
      const measured = bar.workload === part.workload ? bar.measured(part) : undefined;
      return measured ? [judge(bar, { part, measured })] : [];
    }),
  );
}

function judge(bar: Bar, { part, measured }: { part: Part; measured: Spread }): Verdict {
  const meets = (limit: number | undefined): boolean =>
    limit !== undefined && (bar.better === 'more' ? measured.median >= limit : measured.median <= limit);
  const sign = bar.better === 'more' ? '≥' : '≤';
  const describe = (limit: number | undefined): string =>
    limit === undefined || Number.isNaN(limit) ? '' : `${sign} ${limit} ${bar.unit}`;
  const { least, median, most } = measured;
  return {
    part,
    what: bar.what,
    bar: describe(bar.bar),
    stretch: describe(bar.stretch),
    measured: `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`,
    reached: meets(bar.stretch) ? 'stretch' : meets(bar.bar) ? 'yes' : Number.isNaN(bar.bar) ? '–' : 'no',
  };
}

/** Coffer's rate as a multiple of a peer's. */
function faster(
  workload: WorkloadName,
  step: Step,
  { peer, bar = Number.NaN, stretch }: { peer: string; bar?: number; stretch?: number },
): Bar {
  const what = `${stepTitles[step]}: rate, of ${peer}’s`;
  const measured = (part: Part): Spread | undefined => ratiosOf(wallMs(part, peer, step), wallMs(part, 'coffer', step));
  return { workload, what, bar, better: 'more', unit: '×', measured, ...(stretch !== undefined && { stretch }) };
}

function wire(workload: WorkloadName, step: Step, bar: number): Bar {
  const measured = (part: Part): Spread | undefined =>
    spreadOf((find(part, 'coffer')?.samples[step] ?? []).flatMap(({ wireBytes }) => (wireBytes ?? Number.NaN) / MiB));
  return { workload, what: `${stepTitles[step]}: on the wire`, bar, better: 'less', unit: 'MiB', measured };
}

function clientMemory(workload: WorkloadName, bar: number): Bar {
  const measured = (part: Part): Spread | undefined => {
    const samples = steps.flatMap((step) => find(part, 'coffer')?.samples[step] ?? []);
    return spreadOf(samples.map(({ clientPeakBytes }) => clientPeakBytes / MiB));
  };
  // The bar holds for the worst step of all.
  const worst = (part: Part): Spread | undefined => {
    const spread = measured(part);
    return spread && { ...spread, median: spread.most };
  };
  return { workload, what: 'client memory, largest of all steps', bar, better: 'less', unit: 'MiB', measured: worst };
}

function wallMs(part: Part, tool: string, step: Step): number[] {
  return (find(part, tool)?.samples[step] ?? []).map((sample) => sample.wallMs);
}

function contentBytes(result: ToolResult | undefined): number[] {
  return (result?.stored ?? []).map((stored) => stored.contentBytes);
}

function find(part: Part, tool: string): ToolResult | undefined {
  return part.results.find((result) => result.tool === tool);
}
