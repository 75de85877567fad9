import type { Clock, Random } from '@coffer/core';
import type { Output, Streams } from './output.ts';

/** The flags that every command takes (CLI §Global). */
export interface Globals {
  readonly profile: string;
  /** Folder of state and keys; absolute. */
  readonly home: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
  /** False: none are wanted. */
  readonly color: boolean;
}

/** All that a command may touch of its process. */
export interface CommandContext {
  readonly globals: Globals;
  readonly streams: Streams;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted by the first Ctrl-C or SIGTERM, with a CANCELLED error; the second one ends the process. */
  readonly signal: AbortSignal;
  /** Calls back at each of these signals until it is disposed; without it they do what the system has them do. */
  readonly onSignal: (name: ProcessSignal, listener: () => void) => Disposable;
}

/** Signals that mean something to a command that goes on. */
type ProcessSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/** What the command line gave a command; each command validates it once. */
export interface CommandInput {
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** A command: resolves to its exit code, 0 when nothing is returned. */
export type Command = (context: CommandContext, input: CommandInput) => Promise<number | undefined>;
