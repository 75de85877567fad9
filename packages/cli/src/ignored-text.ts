import type { DeviceSummary, Ignored, IgnoredAuthor } from '@coffer/client';
import { equalBytes, idKey } from '@coffer/core';
import { safeText } from './safe-text.ts';

/** One line about commits, one about operations, where there are some: whoever reads them must know which device to look at. */
export function ignoredText(
  { voidCommits, skippedOperations, authors }: Ignored,
  devices: readonly DeviceSummary[],
): readonly string[] {
  const by = (isVoid: boolean): string =>
    namesOf(
      authors.filter((author) => author.isVoid === isVoid),
      devices,
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

/** Devices name themselves. */
function namesOf(authors: readonly IgnoredAuthor[], devices: readonly DeviceSummary[]): string {
  const names = authors.map(({ device }) => {
    const known = devices.find((one) => equalBytes(one.device, device));
    return known === undefined ? idKey(device) : JSON.stringify(safeText(known.name));
  });
  return [...new Set(names)].join(', ');
}
