import { basename, resolve } from 'node:path';
import { parseMaxDelete, syncOnce } from '@coffer/sync';
import type { PlanLine } from '@coffer/sync';
import { z } from 'zod';
import { Flag, parseInput, Size, Text, Texts } from '../arguments.ts';
import { jobsFolder, openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { planText, syncText } from '../transfer-text.ts';

const schemas = {
  args: z.tuple([Text, Text.optional()]),
  options: z.strictObject({
    mode: z.enum(['push', 'pull', 'two-way']).default('push'),
    delete: Flag,
    dryRun: Flag,
    exclude: Texts.default([]),
    maxFileSize: Size.optional(),
    maxDelete: Text.optional(),
    force: Flag,
  }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const local = resolve(context.cwd, args[0]);
  await using home = await openHome(context);
  using progress = new Progress(context.output, context.clock);
  const plan: PlanLine[] = [];
  const report = await syncOnce({
    vault: home.vault,
    local,
    path: args[1] ?? `/${basename(local)}`,
    mode: options.mode,
    delete: options.delete,
    dryRun: options.dryRun,
    exclude: options.exclude,
    force: options.force,
    stateDirectory: jobsFolder(context),
    deviceName: home.account.info.deviceName,
    device: home.account.info.device,
    ...(options.maxFileSize !== undefined && { maxFileSizeBytes: options.maxFileSize }),
    ...(options.maxDelete !== undefined && { maxDelete: parseMaxDelete(options.maxDelete) }),
    onProgress: (state) => progress.update(state),
    onPlan: (line) => plan.push(line),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({
    json: () => (options.dryRun ? { ...report, plan } : report),
    text: () => (options.dryRun ? planText(report, plan) : syncText(report)),
  });
  return exitCodeOfReport(report);
};
