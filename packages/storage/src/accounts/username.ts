import { CofferError } from '@coffer/core';

/** Characters of the longest username; the wire's limit too. */
export const usernameLimit = 64;

/**
 * The one form of a name under which it is unique: NFKC, lower case. `Anna`, `ANNA` and `ａｎｎａ` are one person.
 * @throws INVALID for what is no username: letters, digits, `.`, `_`, `-`, beginning with a letter or digit
 */
export function canonicalUsername(name: string): string {
  const canonical = name.length > usernameLimit ? '' : name.normalize('NFKC').toLowerCase().normalize('NFKC');
  if (canonical.length <= usernameLimit && /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u.test(canonical)) return canonical;
  throw new CofferError('INVALID', 'this is not a username', {
    hint: `Use up to ${usernameLimit} letters, digits, dots, underscores and hyphens, beginning with a letter or digit.`,
  });
}
