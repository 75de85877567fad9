import { usernameLimit } from '@coffer/core';

/** Why this can be no name of an account; undefined when the server may take it. */
export function usernameProblem(text: string): string | undefined {
  const { length } = text.trim();
  return length === 0 || length > usernameLimit ? `1 to ${usernameLimit} characters` : undefined;
}
