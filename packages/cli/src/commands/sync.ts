import { homedir } from 'node:os';
import { basename, resolve, sep } from 'node:path';
import { formatPath, parseBandwidth, splitPath } from '@coffer/client';
import type { Account } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { parseMaxDelete, syncOnce } from '@coffer/sync';
import type { JobOptions, PlanLine, SyncReport } from '@coffer/sync';
import { z } from 'zod';
import { Flag, parseInput, Size, Text, Texts } from '../arguments.ts';
import { jobsFolder, openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { listJob } from '../listed-job.ts';
import type { JobToList } from '../listed-job.ts';
import { Progress } from '../progress.ts';
import { confirm } from '../prompt.ts';
import { checkSameVault } from '../same-vault.ts';
import { joinReports, sharedJobs } from '../shared-jobs.ts';
import type { SharedJobs } from '../shared-jobs.ts';
import { safeText } from '../safe-text.ts';
import { planText, syncText } from '../transfer-text.ts';

const schemas = {
  args: z.tuple([Text.optional(), Text.optional()]),
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
  await using session = await openHome(context, {
    keepAlive: options.watch,
    ...(limits && { bandwidth: () => limits }),
  });
  const local =
    args[0] === undefined ? await accountFolder(context, session.account, options.mode) : resolve(context.cwd, args[0]);
  const path = args[1] ?? `/${basename(local)}`;
  const { home } = await session.at(path, { write: options.mode !== 'pull' });
  if (!options.dryRun) await session.workOff();
  const job = jobOf({ home, local, options, stateDirectory: jobsFolder(context) });
  const shared = await sharedJobs(session, { outer: job, place: home.place }, context.signal);
  for (const left of shared.leftOut)
    context.output.warn(`${left} is shared and left out here: get or sync it by itself`);
  const list = (ended?: Parameters<typeof listJob>[2]): void => {
    if (!options.dryRun) listJob(context, { session, home, job: listedJob(local, options) }, ended);
  };
  const isOwnShare = home.vault !== session.vault && home.place?.share === undefined;
  checkSameVault(context, { session, job, path: formatPath(splitPath(path)), isOwnShare }, options);
  for (const inner of shared.jobs) checkSameVault(context, { session, ...inner, isOwnShare: true }, options);
  if (!options.watch) return await once(context, { job, shared, list }, options);
  list();
  const { watch } = await import('../sync-watch.ts');
  return await watch(context, { session, job, place: home.place }, options);
};

/**
 * The folder that the account is meant for, when the person agrees: who named it, the server alone says.
 * @throws INVALID when there is none, or it is taken for more than pushing it; NOT_ALLOWED outside the home; CANCELLED
 */
async function accountFolder(context: CommandContext, { info }: Account, mode: Given['mode']): Promise<string> {
  if (info.folder === undefined || mode !== 'push')
    throw new CofferError('INVALID', 'no folder is named', { hint: 'Say which: coffer sync LOCAL [PATH].' });
  const home = resolve(context.env['HOME'] ?? homedir());
  const local = resolve(home, info.folder.replace(/^~(?:\/|$)/, ''));
  const shown = safeText(local);
  if (!local.startsWith(home + sep))
    throw new CofferError('NOT_ALLOWED', `the server means ${shown} for this account, which is not below your home`, {
      hint: 'If you want it, name it: coffer sync LOCAL [PATH].',
    });
  if (await confirm(context, `This account is meant for ${shown}. Put that into the vault?`)) return local;
  throw new CofferError('CANCELLED', `nothing was done with ${shown}`, {
    hint: 'Name the folder, or pass --yes to go on without a question.',
  });
}

function listedJob(local: string, { mode, delete: removes, exclude, maxFileSize, maxDelete }: Given): JobToList {
  const limits = {
    ...(maxFileSize !== undefined && { maxFileSizeBytes: maxFileSize }),
    ...(maxDelete !== undefined && { maxDelete }),
  };
  return { local, mode, delete: removes, exclude, ...limits };
}

function jobOf({
  home,
  local,
  options,
  stateDirectory,
}: {
  readonly home: HomeSession;
  readonly local: string;
  readonly options: Given;
  readonly stateDirectory: string;
}): JobOptions {
  const { account, vault, place } = home;
  return {
    vault,
    local,
    path: place?.names ?? [],
    mode: options.mode,
    delete: options.delete,
    exclude: options.exclude,
    stateDirectory,
    deviceName: account.info.deviceName,
    device: account.info.device,
    ...(options.maxFileSize !== undefined && { maxFileSizeBytes: options.maxFileSize }),
    ...(options.maxDelete !== undefined && { maxDelete: parseMaxDelete(options.maxDelete) }),
  };
}

interface Once {
  readonly job: JobOptions;
  readonly shared: SharedJobs;
  /** Notes in the list of jobs how it ended. */
  readonly list: (ended: { readonly report?: SyncReport; readonly error?: unknown }) => void;
}

/** The job, then those of what is shared below its folder: each in its own vault, told as one. */
async function once(
  context: CommandContext,
  { job, shared, list }: Once,
  { dryRun, force }: Given,
): Promise<number | undefined> {
  using progress = new Progress(context.output, context.clock);
  const plan: PlanLine[] = [];
  const runOne = (one: JobOptions): Promise<SyncReport> =>
    syncOnce({
      ...one,
      dryRun,
      force,
      onProgress: (state) => progress.update(state),
      onPlan: (line) => plan.push(line),
      signal: context.signal,
    });
  const first = await runOne(job).catch((error: unknown) => {
    list({ error });
    throw error;
  });
  list({ report: first });
  const others: { report: SyncReport; below: string }[] = [];
  for (const { job: inner, below } of shared.jobs) others.push({ report: await runOne(inner), below });
  const report = joinReports(first, others);
  progress[Symbol.dispose]();
  context.output.result({
    json: () => (dryRun ? { ...report, plan } : report),
    text: () => (dryRun ? planText(report, plan) : syncText(report)),
  });
  return exitCodeOfReport(report);
}
