import { CofferError, fromHex, parseDurationMs, parseSize, usernameLimit } from '@coffer/core';
import { z } from 'zod';
import type { CommandInput } from './context.ts';

/** No path or name that a person types is longer; the limit keeps a mistake from becoming work. */
const maxArgumentLength = 4096;

export const Text = z.string().min(1).max(maxArgumentLength);

/** As the wire takes it; whether it is one is the server's to say. */
export const Username = z.string().min(1).max(usernameLimit);

export const Flag = z.boolean().default(false);

export const Texts = z.array(Text).max(10_000);

export const Size = Text.transform((text, context) => {
  try {
    return parseSize(text);
  } catch {
    context.addIssue({ code: 'custom', message: `"${text}" is not a size like 500MiB` });
    return z.NEVER;
  }
});

/** A size, or `none`: no limit. */
export const Limit = z.union([z.literal('none').transform(() => null), Size]);

export const Duration = Text.transform((text, context) => {
  try {
    return parseDurationMs(text);
  } catch {
    context.addIssue({ code: 'custom', message: `"${text}" is not a time like 7d or 12h` });
    return z.NEVER;
  }
});

/** Hex digits of so many bytes. */
export function Hex(bytes: number) {
  return z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`, 'i'), `${2 * bytes} hex digits`)
    .transform((text) => fromHex(text.toLowerCase()));
}

export const Count = z.coerce.number().int().min(1).max(1_000_000_000);

/** Arguments and options of a command, checked once. @throws INVALID naming the first thing that is wrong */
export function parseInput<Args extends z.ZodType, Options extends z.ZodType>(
  input: CommandInput,
  schemas: { readonly args: Args; readonly options: Options },
): { readonly args: z.output<Args>; readonly options: z.output<Options> } {
  const given = Object.fromEntries(Object.entries(input.options).filter(([, value]) => value !== undefined));
  const args = schemas.args.safeParse(input.args);
  if (!args.success) throw invalid(args.error, 'argument');
  const options = schemas.options.safeParse(given);
  if (!options.success) throw invalid(options.error, 'option');
  return { args: args.data, options: options.data };
}

function invalid(error: z.ZodError, what: string): CofferError {
  const issue = error.issues[0];
  const where = issue?.path
    .map((part) => (typeof part === 'number' ? `${what} ${part + 1}` : `--${kebab(String(part))}`))
    .join(' ');
  return new CofferError('INVALID', `${where ?? what}: ${issue?.message ?? 'not valid'}`, {
    hint: 'Run the command with --help.',
  });
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
