import { basename, resolve } from 'node:path';
import { syncOnce } from '@coffer/sync';
import type { SyncReport } from '@coffer/sync';
import { z } from 'zod';
import { Flag, parseInput, Size, Text, Texts } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { planText, syncText } from '../transfer-text.ts';

const MaxDelete = z
  .string()
  .regex(/^\d{1,9}%?$/, 'a number, or a share like 25%')
  .transform((text) =>
    text.endsWith('%') ? { percent: Math.min(100, Number(text.slice(0, -1))) } : { count: Number(text) },
  );

const schemas = {
  args: z.tuple([Text, Text.optional()]),
  options: z.strictObject({
    mode: z.enum(['push', 'pull']).default('push'),
    delete: Flag,
    dryRun: Flag,
    exclude: Texts.default([]),
    maxFileSize: Size.optional(),
    maxDelete: MaxDelete.optional(),
    force: Flag,
  }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const local = resolve(context.cwd, args[0]);
  const { maxFileSize, maxDelete, ...flags } = options;
  await using home = await openHome(context);
  using progress = new Progress(context.output, context.clock);
  const report = await syncOnce({
    account: home.account,
    vault: home.vault,
    local,
    path: args[1] ?? `/${basename(local)}`,
    ...flags,
    ...(maxFileSize !== undefined && { maxFileSize }),
    ...(maxDelete !== undefined && { maxDelete }),
    onProgress: (state) => progress.update(state),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({ json: () => report, text: () => textOf(report, options.dryRun) });
  return report.failed > 0 ? exitCodes.someFailed : undefined;
};

function textOf(report: SyncReport, dryRun: boolean): string {
  return dryRun ? planText(report) : syncText(report);
}
