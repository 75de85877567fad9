import { parseArgs } from 'node:util';

/** Where all folders of a run lie: memory shows what computing costs, a disk what a person gets. */
export type Where = 'tmpfs' | 'disk';

export interface BenchOptions {
  /** How often each step is measured. */
  readonly runs: number;
  readonly where: readonly Where[];
  /** Share of the full size: 1 is what the bars speak of, 0.03 checks that everything works. */
  readonly scale: number;
  /** A step that takes longer is ended, and its tool left out from there on. */
  readonly patienceMs: number;
  /** Names of tools to run besides Coffer; all that are installed when undefined. */
  readonly tools: readonly string[] | undefined;
  /** Names of workloads; all when undefined. */
  readonly workloads: readonly string[] | undefined;
  /** Print the result as JSON instead of tables. */
  readonly json: boolean;
  /** Write the tables into docs/BENCHMARKS.md. */
  readonly docs: boolean;
  /** Measure nothing: write the last result into docs/BENCHMARKS.md. */
  readonly onlyDocs: boolean;
  /** As typed, for the record. */
  readonly typed: string;
}

export const usage = `options of a benchmark:
  --runs N              measure every step N times (default 3)
  --where PLACE         tmpfs, disk or both (default both)
  --scale X             share of the full size, like 0.03 to see that everything works (default 1)
  --patience SECONDS    end a step that takes longer and leave its tool out (default 180)
  --tools A,B           only these, like coffer,restic,rsync (default all that are installed)
  --workloads A,B       file, tree (default both)
  --json                print the result as JSON
  --docs                write the tables into docs/BENCHMARKS.md
  --only-docs           measure nothing, write the last result into docs/BENCHMARKS.md`;

/** Reads the command line of a benchmark. @throws RangeError that says what is wrong */
export function readOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: 'string', default: '3' },
      where: { type: 'string', default: 'both' },
      scale: { type: 'string', default: '1' },
      patience: { type: 'string', default: '180' },
      tools: { type: 'string' },
      workloads: { type: 'string' },
      json: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      'only-docs': { type: 'boolean', default: false },
    },
  });
  return {
    runs: readNumber('runs', values.runs, { least: 1, most: 100, whole: true }),
    where: readWhere(values.where),
    scale: readNumber('scale', values.scale, { least: 0.001, most: 4, whole: false }),
    patienceMs: readNumber('patience', values.patience, { least: 1, most: 86_400, whole: true }) * 1000,
    tools: values.tools?.split(','),
    workloads: values.workloads?.split(','),
    json: values.json,
    docs: values.docs,
    onlyDocs: values['only-docs'],
    typed: argv.join(' '),
  };
}

function readWhere(text: string): readonly Where[] {
  if (text === 'both') return ['tmpfs', 'disk'];
  if (text === 'tmpfs' || text === 'disk') return [text];
  throw new RangeError(`--where is tmpfs, disk or both, not "${text}"`);
}

function readNumber(
  name: string,
  text: string,
  { least, most, whole }: { least: number; most: number; whole: boolean },
): number {
  const value = Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new RangeError(`--${name} is a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}"`);
}
