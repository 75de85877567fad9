import type { Where } from './options.ts';
import type { RunFacts } from './run-facts.ts';
import type { Sample } from './sample.ts';
import type { Step, Stored } from './tool.ts';
import type { WorkloadName } from './workloads.ts';

/** All that a run of the transfer benchmark found; this is the JSON file. It names no machine and no path of it. */
export interface TransferResult extends RunFacts {
  readonly scale: number;
  readonly tools: readonly { readonly name: string; readonly title: string; readonly version: string }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  readonly parts: readonly Part[];
}

/** One workload in one place. */
export interface Part {
  readonly where: Where;
  readonly fileSystem: string;
  readonly workload: WorkloadName;
  readonly title: string;
  readonly results: readonly ToolResult[];
}

export interface ToolResult {
  readonly tool: string;
  /** One per run, in the order of the runs; absent where the tool has no such step. */
  readonly samples: Partial<Record<Step, readonly Sample[]>>;
  /** After the first upload, one per run. */
  readonly stored: readonly Stored[];
  /** What differed after a restore, or how it failed; empty when all was well. */
  readonly faults: readonly string[];
}
