import { CofferError, systemClock, systemRandom } from '@coffer/core';
import { Command as CommanderCommand, CommanderError } from 'commander';
import type { Command, CommandContext } from './context.ts';
import { addGlobalOptions, readGlobals } from './globals.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import type { Streams } from './output.ts';
import { addAccountCommands } from './program-account.ts';
import { addFileCommands } from './program-files.ts';
import { addPeopleCommands } from './program-people.ts';
import { addServerCommands } from './program-server.ts';
import { safeText } from './safe-text.ts';
import { version } from './version.ts';

export interface ProgramInput {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where state and keys go unless something else is said. */
  readonly dataFolder: string;
  readonly streams: Streams;
  readonly signal: AbortSignal;
  readonly onSignal: CommandContext['onSignal'];
}

/** Adds a command whose code is loaded only when it runs: start-up is paid by what is used. */
export type AddCommand = (
  parent: CommanderCommand,
  declaration: {
    readonly usage: string;
    readonly summary: string;
    readonly load: () => Promise<{ readonly run: Command }>;
  },
) => CommanderCommand;

/** Runs one command line to its end and gives the exit code; every failure is told on stderr as CLI §Global says. */
export async function runProgram(input: ProgramInput): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = buildProgram(input, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...input.argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (wantsUi(error, input, program)) return await runProgram({ ...input, argv: [...input.argv, 'ui'] });
    return report(error, input);
  }
}

/** `coffer` without a command, at a terminal. */
function wantsUi(error: unknown, { argv, streams }: ProgramInput, program: CommanderCommand): boolean {
  if (!(error instanceof CommanderError) || error.code !== 'commander.help' || error.exitCode === 0) return false;
  const namesGroup = program.commands.some((command) => argv.includes(command.name()));
  return !namesGroup && streams.stdin.isTTY && streams.stdout.isTTY;
}

function buildProgram(input: ProgramInput, finish: (code: number) => void): CommanderCommand {
  const program = new CommanderCommand('coffer');
  program
    .description('A file vault of your own: sealed on this device, kept on your server.')
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => input.streams.stdout.write(text),
      writeErr: () => undefined,
    });
  addGlobalOptions(program);
  const add: AddCommand = (parent, declaration) => {
    const command = parent.command(declaration.usage).description(declaration.summary);
    addGlobalOptions(command);
    command.action(async (...actionArguments: unknown[]) => {
      const args = actionArguments.slice(0, -2) as (string | string[] | undefined)[];
      const context = createContext(input, command);
      const { run } = await declaration.load();
      finish((await run(context, { args, options: ownOptions(command) })) ?? exitCodes.done);
    });
    return command;
  };
  addServerCommands(program, add);
  addAccountCommands(program, add);
  addFileCommands(program, add);
  addPeopleCommands(program, add);
  return program;
}

/** Every command by its words: `ls`, `admin user add`. */
export function commandNames(streams: Streams): readonly string[] {
  return commandWords(streams).flatMap(({ words, next }) => (next.length === 0 ? [words.join(' ')] : []));
}

/** A command, or a group of commands, and what may follow it on the command line. */
export interface CommandWords {
  /** None for the program itself. */
  readonly words: readonly string[];
  readonly next: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly { readonly long: string; readonly summary: string; readonly hasValue: boolean }[];
}

/** The whole command line, groups before what is in them. */
export function commandWords(streams: Streams): readonly CommandWords[] {
  const below = (command: CommanderCommand, words: readonly string[]): CommandWords[] => [
    {
      words,
      next: command.commands.map((one) => ({ name: one.name(), summary: one.description() })),
      options: command.options.flatMap(({ long, description, required }) =>
        typeof long === 'string' ? [{ long, summary: description, hasValue: required }] : [],
      ),
    },
    ...command.commands.flatMap((one) => below(one, [...words, one.name()])),
  ];
  const nowhere = {
    argv: [],
    env: {},
    cwd: '',
    dataFolder: '',
    onSignal: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const program = buildProgram({ ...nowhere, streams, signal: new AbortController().signal }, () => undefined);
  return below(program, []);
}

function createContext(input: ProgramInput, command: CommanderCommand): CommandContext {
  const globals = readGlobals(command, input);
  return {
    globals,
    streams: input.streams,
    output: new Output(input.streams, globals),
    env: input.env,
    cwd: input.cwd,
    clock: systemClock,
    random: systemRandom,
    signal: input.signal,
    onSignal: input.onSignal,
  };
}

const globalNames = new Set(['profile', 'home', 'json', 'quiet', 'verbose', 'color', 'yes']);

function ownOptions(command: CommanderCommand): Record<string, unknown> {
  return Object.fromEntries(Object.entries(command.opts()).filter(([name]) => !globalNames.has(name)));
}

function report(error: unknown, input: ProgramInput): number {
  const json = input.argv.includes('--json');
  const output = new Output(input.streams, { json, quiet: false });
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.done;
    if (error.code === 'commander.help') return shortHelp(input);
    output.error(new CofferError('INVALID', error.message.replace(/^error: /, ''), { hint: 'See `coffer --help`.' }));
    return exitCodes.usage;
  }
  if (input.signal.aborted) {
    output.error(input.signal.reason as CofferError);
    return exitCodes.interrupted;
  }
  if (error instanceof CofferError) {
    output.error(error);
    return exitCodeOf(error.code);
  }
  output.error(unexpected(error, input));
  return exitCodes.unexpected;
}

/** `coffer` alone, or a group without its command. */
function shortHelp(input: ProgramInput): number {
  const group = input.argv.filter((word) => !word.startsWith('-')).join(' ');
  input.streams.stderr.write(
    `usage: coffer ${group === '' ? '' : `${group} `}COMMAND; see \`coffer ${group === '' ? '' : `${group} `}--help\`\n`,
  );
  return exitCodes.usage;
}

/** A bug: the message is for whoever reports it. Its stack is shown only when asked for, since it names local paths. */
function unexpected(error: unknown, input: ProgramInput): CofferError {
  if (input.argv.some((word) => word === '-v' || word === '--verbose') && error instanceof Error) {
    const stack = error.stack ?? error.message;
    input.streams.stderr.write(`${stack.split('\n').map(safeText).join('\n')}\n`);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CofferError('INTERNAL', `unexpected: ${message}`, {
    hint: 'This is a bug. Run it again with --verbose and report what it prints.',
  });
}
