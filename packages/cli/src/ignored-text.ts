import type { Ignored, IgnoredAuthor } from '@coffer/client';
import { idKey } from '@coffer/core';

/** The name of an author, safe for a terminal; undefined when it is not known. */
export type AuthorName = (author: IgnoredAuthor) => string | undefined;

/** One line about commits, one about operations, where there are some: whoever reads them must know which device to look at. */
export function ignoredText(
  { voidCommits, skippedOperations, authors }: Ignored,
  nameOf: AuthorName,
): readonly string[] {
  const by = (isVoid: boolean): string =>
    namesOf(
      authors.filter((author) => author.isVoid === isVoid),
      nameOf,
    );
  return [
    ...(voidCommits === 0 ? [] : [`${counted(voidCommits, 'commit')} of ${by(true)} could not be used: ignored`]),
    ...(skippedOperations === 0
      ? []
      : [`${counted(skippedOperations, 'operation')} of ${by(false)} did not fit: ignored`]),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function namesOf(authors: readonly IgnoredAuthor[], nameOf: AuthorName): string {
  return [...new Set(authors.map((author) => nameOf(author) ?? idKey(author.device)))].join(', ');
}
