import { checkPassword, generatePassphrase } from '@coffer/crypto';
import { CofferError } from '@coffer/core';
import type { NewPasswords } from '@coffer/tui';
import type { CommandContext } from './context.ts';
import { readPassword } from './prompt.ts';

export interface NewPassword {
  readonly password: string;
  /** It was made here, and was or must be shown. */
  readonly generated: boolean;
}

export interface NewPasswordRequest {
  readonly passwordStdin: boolean;
  readonly generate: boolean;
  /** Where it is read from without a terminal. */
  readonly variable: 'COFFER_PASSWORD_FILE' | 'COFFER_NEW_PASSWORD_FILE';
}

/**
 * A password that a person chooses for themselves: on a terminal a passphrase of six words is offered first. @throws INVALID when it is
 * weak, NOT_LOGGED_IN when there is nobody to ask
 */
export async function chooseNewPassword(context: CommandContext, request: NewPasswordRequest): Promise<NewPassword> {
  const suggested = generatePassphrase(context.random);
  if (request.generate) return { password: suggested, generated: true };
  const { passwordStdin, variable } = request;
  const isAsked = !passwordStdin && (context.env[variable] ?? '') === '' && context.streams.stdin.isTTY;
  if (isAsked) {
    context.streams.stderr.write(
      `A passphrase made just now:\n\n    ${suggested}\n\nWrite it down and press Enter to take it, or type one of your own (12 characters at least).\n`,
    );
  }
  const password = await readPassword(context, {
    prompt: 'New password: ',
    fromStdin: passwordStdin,
    confirm: true,
    variable,
    ...(isAsked && { suggested }),
  });
  checkPassword(password);
  return { password, generated: false };
}

/** The same offers and rules for the terminal UI, which asks itself. */
export function newPasswords({ random }: Pick<CommandContext, 'random'>): NewPasswords {
  return {
    suggest: () => generatePassphrase(random),
    problemOf: (password) => {
      try {
        checkPassword(password);
        return undefined;
      } catch (error) {
        if (error instanceof CofferError) return error.message;
        throw error;
      }
    },
  };
}
