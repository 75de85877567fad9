import { formatSize } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { displayPath, requireEntry } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Text.default('/')]),
  options: z.strictObject({ sample: z.coerce.number().gt(0).max(100).default(100) }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path: inside } = await session.at(args[0]);
  const { vault } = home;
  const start = requireEntry(vault.tree, inside, args[0]);
  using progress = new Progress(context.output, context.clock);
  const report = await vault.verify(
    [start.entry],
    {
      samplePercent: options.sample,
      onProgress: ({ files, bytes }) => progress.update({ phase: 'verifying', filesDone: files, bytesDone: bytes }),
    },
    context.signal,
  );
  progress[Symbol.dispose]();
  const problems = report.problems.map(({ path: names, error }) => ({
    path: displayPath(home.shown(names)),
    code: error.code,
    message: error.message,
  }));
  context.output.result({
    json: () => ({ files: report.files, bytes: report.bytes, damaged: problems }),
    text: () =>
      [
        ...problems.map(({ path, message }) => `damaged: ${path}: ${message}`),
        `${report.files} files, ${formatSize(report.bytes)} checked, ${problems.length} damaged`,
      ].join('\n'),
  });
  if (problems.length > 0) context.output.note(whatToDo);
  return problems.length > 0 ? exitCodes.integrity : undefined;
};

const whatToDo = `hint: Run coffer sync on a device that still has these files: it sends again what the server has lost. Older
hint: versions may be whole (coffer versions). Tell the administrator to run coffer admin check --read-data.`;
