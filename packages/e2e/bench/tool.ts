import type { CompareOptions } from '../src/index.ts';
import type { Workload } from './workloads.ts';

/** What every tool is asked to do, in this order. */
export const steps = ['upload', 'unchanged', 'edit', 'restore'] as const;
export type Step = (typeof steps)[number];

/** For tables. */
export const stepTitles: Readonly<Record<Step, string>> = {
  upload: 'first upload',
  unchanged: 'nothing changed',
  edit: '16 bytes inserted',
  restore: 'restore',
};

/** A place to work in, on the file system that is measured. */
export interface Place {
  /** For what the server of the tool keeps. */
  readonly server: string;
  /** For keys, configuration and caches of the client. */
  readonly client: string;
  readonly certificates: Certificates;
  readonly signal: AbortSignal;
}

/** A certificate for 127.0.0.1 and the authority that issued it; files in PEM. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A command line to be timed from its start to its end. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What a step works on. */
export interface StepInput {
  readonly step: Step;
  readonly workload: Workload;
  /** Empty folder to restore into; undefined in the other steps. */
  readonly target: string | undefined;
}

export interface Stored {
  /** All that the server keeps for the workload. */
  readonly totalBytes: number;
  /** Of that, what is content and not index or database. */
  readonly contentBytes: number;
}

/** A way to bring files from one process to another over loopback. */
export interface Tool {
  readonly name: string;
  /** What it does and what it does not, in a few words for the tables. */
  readonly title: string;
  /** Why it cannot run here and what to install; undefined when it can. */
  missing(): string | undefined;
  /** Its version, as it says it. */
  version(): string;
  /** Starts its server. */
  open(place: Place): Promise<ToolSession>;
}

/** A tool with its server running; disposing it stops the server. */
export interface ToolSession extends AsyncDisposable {
  /** The process whose memory, with all below it, is the server's. It may change with `begin`. */
  readonly serverPid: number;
  /** How exactly the tool restores; what it never promises is not held against it. */
  readonly restores: CompareOptions;
  /** Makes an empty repository for a new run and forgets the one before. Not timed. */
  begin(workload: Workload): Promise<void>;
  /** The command of a step, or undefined when the tool has no such thing. */
  command(input: StepInput): Command | undefined;
  stored(): Stored;
}
