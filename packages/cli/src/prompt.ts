import { readFile } from 'node:fs/promises';
import { CofferError } from '@coffer/core';
import type { CommandContext } from './context.ts';

/** Far above any passphrase; keeps a file given by mistake from being read whole. */
const maxPasswordBytes = 4096;

export interface PasswordRequest {
  readonly prompt: string;
  /** The flag `--password-stdin`. */
  readonly fromStdin: boolean;
  /** Ask twice: for a password that is being chosen. */
  readonly confirm?: boolean;
  /** What an empty answer on the terminal means. */
  readonly suggested?: string;
  /** Variable that names a file with it (default `COFFER_PASSWORD_FILE`). */
  readonly variable?: 'COFFER_PASSWORD_FILE' | 'COFFER_NEW_PASSWORD_FILE';
}

/**
 * A password from standard input, the file that `COFFER_PASSWORD_FILE` names, or a prompt without echo; never from argv.
 * @throws NOT_LOGGED_IN when there is nobody to ask; INVALID when the two entries differ or it is empty or too long
 */
export async function readPassword(context: CommandContext, request: PasswordRequest): Promise<string> {
  const password = await passwordFrom(context, request);
  if (password.length === 0) throw new CofferError('INVALID', 'the password is empty');
  if (Buffer.byteLength(password) > maxPasswordBytes) throw new CofferError('INVALID', 'the password is too long');
  return password;
}

async function passwordFrom(context: CommandContext, request: PasswordRequest): Promise<string> {
  if (request.fromStdin) return firstLine(await readSome(context.streams.stdin));
  const { variable = 'COFFER_PASSWORD_FILE' } = request;
  const inFile = await passwordInFile(context, variable);
  if (inFile !== undefined) return inFile;
  if (!context.streams.stdin.isTTY) {
    throw new CofferError('NOT_LOGGED_IN', 'a password is needed and there is no terminal to ask on', {
      hint: `Give it with --password-stdin or ${variable}.`,
    });
  }
  const password = await askHidden(context, request.prompt);
  if (password === '' && request.suggested !== undefined) return request.suggested;
  if (request.confirm === true && (await askHidden(context, 'Again: ')) !== password) {
    throw new CofferError('INVALID', 'the two passwords differ', {
      hint: 'Nothing was changed; run the command again.',
    });
  }
  return password;
}

/** What the file that the variable names holds; undefined when it names none. @throws NOT_FOUND */
export async function passwordInFile(
  { env }: Pick<CommandContext, 'env'>,
  variable: NonNullable<PasswordRequest['variable']> = 'COFFER_PASSWORD_FILE',
): Promise<string | undefined> {
  const file = env[variable];
  return file === undefined || file === '' ? undefined : firstLine(await readPasswordFile(file, variable));
}

async function readPasswordFile(path: string, variable: string): Promise<string> {
  try {
    return (await readFile(path)).subarray(0, maxPasswordBytes + 2).toString('utf8');
  } catch (cause) {
    throw new CofferError('NOT_FOUND', `the file that ${variable} names cannot be read`, { cause });
  }
}

async function readSome(stream: NodeJS.ReadStream): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.byteLength;
    if (length > maxPasswordBytes + 2 || part.includes(0x0a)) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

const enter = new Set(['\r', '\n', '\u0004']);
const erase = new Set(['\u007f', '\b']);

/** Reads one line without echo. Ctrl-C while asking is an interruption like any other. */
async function askHidden(context: CommandContext, prompt: string): Promise<string> {
  const { stdin, stderr } = context.streams;
  // Before the prompt: what is typed as soon as it shows must neither be echoed nor become a signal.
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stderr.write(prompt);
  const typed: string[] = [];
  try {
    return await new Promise<string>((resolve, reject) => {
      const onData = (text: string): void => {
        for (const key of text) {
          if (enter.has(key)) return finish(() => resolve(typed.join('')));
          if (key === '\u0003') return finish(() => reject(new CofferError('CANCELLED', 'interrupted')));
          if (erase.has(key)) typed.pop();
          else if (key >= ' ') typed.push(key);
        }
      };
      const onAbort = (): void => finish(() => reject(context.signal.reason as Error));
      const finish = (settle: () => void): void => {
        stdin.off('data', onData);
        context.signal.removeEventListener('abort', onAbort);
        settle();
      };
      context.signal.addEventListener('abort', onAbort, { once: true });
      stdin.on('data', onData);
      stdin.resume();
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

/** A yes-or-no question on the terminal; `--yes` answers it, and nobody there to ask means no. */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  if (context.globals.yes) return true;
  if (!context.streams.stdin.isTTY) return false;
  const { createInterface } = await import('node:readline/promises');
  const asking = createInterface({ input: context.streams.stdin, output: context.streams.stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
