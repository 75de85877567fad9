import { checkPassword, generatePassphrase } from '@coffer/crypto';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { readPassword } from '../prompt.ts';

export const Port = z.coerce.number().int().min(1).max(65_535).default(7443);

export interface ChosenPassword {
  readonly password: string;
  /** It was made here and must be shown, once. */
  readonly generated: boolean;
}

/** A generated passphrase with `--generate`, else one from standard input, file or prompt. @throws INVALID when it is weak */
export async function choosePassword(
  context: CommandContext,
  options: { readonly generate: boolean; readonly passwordStdin: boolean },
): Promise<ChosenPassword> {
  if (options.generate) return { password: generatePassphrase(context.random), generated: true };
  const password = await readPassword(context, {
    prompt: 'New password (12 characters at least; --generate makes a good one): ',
    fromStdin: options.passwordStdin,
    confirm: true,
  });
  checkPassword(password);
  return { password, generated: false };
}

export interface Credentials {
  readonly username: string;
  readonly password?: string;
  readonly invite: string;
}

export function credentialsText({ username, password, invite }: Credentials): string {
  const lines = [`username  ${username}`];
  if (password !== undefined) lines.push(`password  ${password}`);
  lines.push(`invite    ${invite}`, '', 'Sign in with: coffer login INVITE');
  if (password !== undefined) lines.push('The password is shown only now.');
  return lines.join('\n');
}
