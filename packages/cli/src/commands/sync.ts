import { basename, resolve } from 'node:path';
import { parseBandwidth } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { parseMaxDelete, syncOnce } from '@coffer/sync';
import type { JobOptions, PlanLine } from '@coffer/sync';
import { z } from 'zod';
import { Flag, parseInput, Size, Text, Texts } from '../arguments.ts';
import { jobsFolder, openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { planText, syncText } from '../transfer-text.ts';

const schemas = {
  args: z.tuple([Text, Text.optional()]),
  options: z.strictObject({
    mode: z.enum(['push', 'pull', 'two-way']).default('push'),
    delete: Flag,
    dryRun: Flag,
    watch: Flag,
    exclude: Texts.default([]),
    maxFileSize: Size.optional(),
    maxDelete: Text.optional(),
    bwlimit: Text.optional(),
    force: Flag,
  }),
};

type Given = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  if (options.watch && options.dryRun)
    throw new CofferError('INVALID', '--dry-run shows one run: it cannot watch', { hint: 'Leave one of them out.' });
  const limits = options.bwlimit === undefined ? undefined : parseBandwidth(options.bwlimit);
  await using home = await openHome(context, {
    keepAlive: options.watch,
    ...(limits && { bandwidth: () => limits }),
  });
  const job = jobOf(context, { home, args, options });
  if (!options.watch) return await once(context, job, options);
  const { watch } = await import('../sync-watch.ts');
  return await watch(context, job, { force: options.force });
};

function jobOf(
  context: CommandContext,
  { home, args, options }: { home: HomeSession; args: z.output<(typeof schemas)['args']>; options: Given },
): JobOptions {
  const local = resolve(context.cwd, args[0]);
  const { account, vault } = home;
  return {
    vault,
    local,
    path: args[1] ?? `/${basename(local)}`,
    mode: options.mode,
    delete: options.delete,
    exclude: options.exclude,
    stateDirectory: jobsFolder(context),
    deviceName: account.info.deviceName,
    device: account.info.device,
    ...(options.maxFileSize !== undefined && { maxFileSizeBytes: options.maxFileSize }),
    ...(options.maxDelete !== undefined && { maxDelete: parseMaxDelete(options.maxDelete) }),
  };
}

async function once(context: CommandContext, job: JobOptions, { dryRun, force }: Given): Promise<number | undefined> {
  using progress = new Progress(context.output, context.clock);
  const plan: PlanLine[] = [];
  const report = await syncOnce({
    ...job,
    dryRun,
    force,
    onProgress: (state) => progress.update(state),
    onPlan: (line) => plan.push(line),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({
    json: () => (dryRun ? { ...report, plan } : report),
    text: () => (dryRun ? planText(report, plan) : syncText(report)),
  });
  return exitCodeOfReport(report);
}
