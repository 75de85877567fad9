import { CofferError } from '@coffer/core';
import { joinPath, toEntryName } from './byte-name.ts';
import { checkRemovals, makePlan, pull, push, vaultIsBase } from './job-passes.ts';
import type { JobContext } from './job-passes.ts';
import { pathIn, placePath } from './place.ts';
import type { Plan } from './plan.ts';
import { countPlan, hasWork, isEmptyPlan, planLines } from './plan-line.ts';
import type { LikeName } from './pull-executor.ts';
import { entryOf } from './remote-tree.ts';
import type { RootFound } from './root-guard.ts';
import { findVaultRoot } from './vault-root.ts';

/** Other devices may be faster again and again, each time at least one of them gets on; then the rest is reported. */
const maxPasses = 12;

/** Both directions on the same snapshot of both sides; without a pull where the vault has nothing new. */
interface TwoPlans {
  readonly push: Plan;
  readonly pull: Plan | undefined;
}

/**
 * Brings both sides together (SYNC §Two-way): first what only the folder changed goes up, then what the vault changed comes
 * down, then what that left over goes up. What another device made impossible meanwhile is planned again.
 */
export async function runTwoWay(job: JobContext, found: RootFound): Promise<void> {
  for (let pass = 1; ; pass += 1) {
    checkVaultPath(job);
    const plans = await planBoth(job);
    if (job.dryRun === true) return show(job, plans);
    for (const plan of [plans.push, plans.pull]) if (plan !== undefined) await admit(job, plan, found);
    if (pass === 1) takeBoth(job, plans);
    const isDone = await carryOut(job, plans, found);
    if (isDone || pass === maxPasses) return;
    job.report.planAgain();
    await job.vault.pull(job.signal);
  }
}

/** A path that somebody renamed or removed must not empty the folder. */
function checkVaultPath({ vault, path, state }: JobContext): void {
  if (!state.hasItems || findVaultRoot(vault, path).entry !== undefined) return;
  throw new CofferError('NOT_FOUND', 'the path that was synced before is gone from the vault; nothing was changed', {
    hint: 'Bring it back with `coffer mv` or `coffer restore`, or make it anew with `coffer sync --mode push`.',
  });
}

async function planBoth(job: JobContext): Promise<TwoPlans> {
  const up = await makePlan(job, { mode: 'push', twoWay: 'before-pull' });
  return { push: up, pull: vaultIsBase(job) ? undefined : await planPull(job) };
}

function planPull(job: JobContext): Promise<Plan> {
  return makePlan(job, { mode: 'pull', twoWay: 'before-pull' });
}

function takeBoth({ report }: JobContext, plans: TwoPlans): void {
  report.take(plans.push);
  if (plans.pull !== undefined) report.take(plans.pull);
}

function show(job: JobContext, plans: TwoPlans): void {
  takeBoth(job, plans);
  for (const plan of [plans.push, plans.pull]) {
    if (plan === undefined) continue;
    countPlan(plan, job.report);
    for (const line of planLines(plan)) job.onPlan?.({ ...line, to: plan.mode === 'push' ? 'vault' : 'folder' });
  }
}

/** False when it has to be planned again. */
async function carryOut(job: JobContext, plans: TwoPlans, found: RootFound): Promise<boolean> {
  const { vault, progress } = job;
  progress.enter('transferring', bothCounts(plans));
  if ((await push(job, { plan: plans.push, plannedSeq: vault.tree.seq })) > 0) return false;
  if (plans.pull === undefined) return true;
  checkVaultPath(job);
  // What was sent changed base, and maybe the vault is a newer one by now.
  const down = isEmptyPlan(plans.push) ? plans.pull : await admit(job, await planPull(job), found);
  const laidDown = await layDown(job, down);
  if (laidDown !== 'done') return laidDown === 'some failed';
  if (!plans.push.leavesWork && !down.leavesWork && job.report.counts.conflicts === 0) return true;
  const rest = await admit(job, await makePlan(job, { mode: 'push', twoWay: 'after-pull' }), found);
  return (await push(job, { plan: rest, plannedSeq: vault.tree.seq })) === 0 && !renamesInVault(rest);
}

/**
 * What gets another name in the vault by the last push must still come down under it: in a directory that was renamed there, only
 * that push finds a name that is taken twice, or a file that came down with the directory although it was renamed here.
 */
function renamesInVault({ structure }: Plan): boolean {
  return structure.some((step) => step.action === 'move' || (step.action === 'set-aside' && step.isConflict));
}

/** @throws TOO_MANY_DELETIONS */
async function admit(job: JobContext, plan: Plan, found: RootFound): Promise<Plan> {
  checkRemovals(job, plan, found);
  if (hasWork(plan)) await job.onWork();
  return plan;
}

function bothCounts({ push: up, pull: down }: TwoPlans): { readonly files: number; readonly bytes: number } {
  return {
    files: up.counts.files + (down?.counts.files ?? 0),
    bytes: up.counts.bytes + (down?.counts.bytes ?? 0),
  };
}

/** `again` when something needed another name in the vault first. */
async function layDown(job: JobContext, plan: Plan): Promise<'done' | 'some failed' | 'again'> {
  const likeNames: LikeName[] = [];
  const isDone = await pull(job, plan, { onLikeName: (likeName) => likeNames.push(likeName) });
  if (likeNames.length === 0) return isDone ? 'done' : 'some failed';
  await giveOtherNames(job, likeNames);
  return 'again';
}

/** Where this filesystem takes two names for one, the second gets a conflict name, for everybody. */
async function giveOtherNames(
  { vault, report, onConflict, signal }: JobContext,
  likeNames: readonly LikeName[],
): Promise<void> {
  await using batch = vault.batch();
  for (const { parent, remote, newName } of likeNames) {
    if (parent.entry === undefined) continue;
    await batch.move(entryOf(remote), { parent: parent.entry, name: toEntryName(newName) }, signal);
  }
  await batch.commit(signal);
  for (const { parent, name, newName } of likeNames) {
    report.counts.conflicts += 1;
    onConflict({ path: pathIn({ parent, name }), copy: joinPath(placePath(parent), newName), mine: 'path' });
  }
}
