import { formatSize } from '@coffer/core';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  await using account = await signedInAccount(context);
  const usage = await account.usage(context.signal);
  const { storedBytes, quotaBytes } = usage;
  const limit =
    quotaBytes === null
      ? 'no limit'
      : `of ${formatSize(quotaBytes)}, ${Math.round((storedBytes * 100) / Math.max(1, quotaBytes))}%`;
  context.output.result({
    json: () => usage,
    text: () =>
      table([
        ['stored', `${formatSize(storedBytes)} (${limit})`],
        ['files', `${usage.files} with ${usage.versions} versions`],
        ['trash', formatSize(usage.trashBytes)],
        ['uncommitted', formatSize(usage.uncommittedBytes)],
        ['journal', formatSize(usage.journalBytes)],
      ]),
  });
  return undefined;
};
