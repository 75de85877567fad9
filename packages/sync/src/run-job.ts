import { CofferError } from '@coffer/core';
import { checkRemovals, makePlan, pull, push } from './job-passes.ts';
import type { JobContext } from './job-passes.ts';
import { makeRoot } from './local-root.ts';
import type { Plan } from './plan.ts';
import { countPlan, hasWork, planLines } from './plan-line.ts';
import { checkRoot } from './root-guard.ts';
import type { RootFound } from './root-guard.ts';
import { runTwoWay } from './run-two-way.ts';

/** Another device may be faster again and again; after that many plans the rest is reported. */
const maxPasses = 4;

/** Guards, plans and carries out, and plans again what another device made impossible meanwhile. */
export async function runJob(job: JobContext): Promise<void> {
  const { mode } = job;
  const found = checkBothSides(job);
  if (mode !== 'push' && job.dryRun !== true) makeRoot(job.root);
  if (mode === 'two-way') return runTwoWay(job, found);
  for (let pass = 1; ; pass += 1) {
    const plan = await makePlan(job, { mode });
    const plannedSeq = job.vault.tree.seq;
    if (job.dryRun === true) return show(job, plan);
    checkRemovals(job, plan, found);
    if (hasWork(plan)) await job.onWork();
    // A second plan finds the same again.
    if (pass === 1) job.report.take(plan);
    job.progress.enter('transferring', plan.counts);
    const refused = await carryOut(job, { plan, plannedSeq });
    if (refused === 0 || pass === maxPasses) return;
    job.report.planAgain();
    await job.vault.pull(job.signal);
  }
}

function checkBothSides(job: JobContext): RootFound {
  const isPassed = job.force === true || job.passRootGuard === true;
  const found = isPassed ? rootWithoutGuard(job) : checkRoot(job.local, job.state);
  const leads = job.mode === 'push' || (job.mode === 'two-way' && job.state.hasItems);
  if (leads && found === 'missing') throw new CofferError('NOT_FOUND', 'the folder does not exist');
  if (job.mode === 'pull' && job.vaultRoot.entry === undefined) {
    throw new CofferError('NOT_FOUND', 'there is nothing at this path in the vault');
  }
  return found;
}

function rootWithoutGuard({ local }: JobContext): RootFound {
  const root = local.root();
  if (root === undefined) return 'missing';
  if (root.kind !== 'directory') throw new CofferError('INVALID', 'the local path is not a directory');
  return 'there';
}

function show(job: JobContext, plan: Plan): void {
  job.report.take(plan);
  countPlan(plan, job.report);
  if (job.onPlan === undefined) return;
  for (const line of planLines(plan)) job.onPlan(line);
}

/** Answers how many operations another device made impossible. */
async function carryOut(
  job: JobContext,
  planned: { readonly plan: Plan; readonly plannedSeq: number },
): Promise<number> {
  if (job.mode === 'push') return push(job, planned);
  await pull(job, planned.plan);
  return 0;
}
