import { CofferError, formatSize, idKey, timestampToMs } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using home = await openHome(context);
  const { tree } = await home.pulled();
  const entry = requireEntry(tree, args[0]);
  if (entry.kind !== 'file')
    throw new CofferError('INVALID', `${args[0]} is not a file`, {
      hint: 'Only files have versions; see a folder with `coffer ls --at`.',
    });
  const versions = tree.versions(entry.entry).map((version) => ({
    version: version.version,
    size: version.size,
    modified: isoTime(timestampToMs(version.mtime)),
    receivedAt: isoTime(version.receivedAtMs),
    device: version.device === undefined ? null : (home.deviceName(version.device) ?? idKey(version.device)),
    current: version.current,
  }));
  context.output.result({
    json: () => versions,
    text: () =>
      table(
        versions.map((row) => [
          `v${row.version}`,
          row.current ? 'current' : '',
          formatSize(row.size),
          formatTime(Date.parse(row.modified)),
          row.device ?? '',
        ]),
      ),
  });
  return undefined;
};
