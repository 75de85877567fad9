import { createFileTimes } from '@coffer/client';
import { rootEntry } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { aboveRoot } from './base.ts';
import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import type { OnConflict } from './conflict.ts';
import { conflictName } from './conflict-name.ts';
import type { DiskTree } from './disk-tree.ts';
import { createIgnoreRules, readIgnoreFile } from './ignore-rules.ts';
import type { RunOptions } from './job.ts';
import type { JobState } from './job-state.ts';
import { Folder } from './lay-down/folder.ts';
import { OpenFolders } from './lay-down/open-folders.ts';
import { settleOnDisk } from './lay-down/settle-on-disk.ts';
import { removeLeftovers } from './leftovers.ts';
import type { Leftover } from './leftovers.ts';
import type { RemovalBudget } from './max-delete.ts';
import type { PlanRules, Triple } from './merge-children.ts';
import type { Plan } from './plan.ts';
import type { Place } from './place.ts';
import { createPlanner } from './planner.ts';
import type { ProgressMeter } from './progress.ts';
import { executePull } from './pull-executor.ts';
import type { PullExecutorDeps } from './pull-executor.ts';
import { executePush } from './push-executor.ts';
import { createRemoteTree, remoteNode } from './remote-tree.ts';
import type { RemoteTree } from './remote-tree.ts';
import type { ReportDraft } from './report.ts';
import { checkReplaced, rootIdentity } from './root-guard.ts';
import type { RootFound } from './root-guard.ts';
import { runPlanner } from './run-planner.ts';
import { untrusted } from './stamp.ts';
import type { TemporaryNames } from './temporary-name.ts';
import type { JobOptions } from './sync-options.ts';
import { findVaultRoot, makeParents, parentOf } from './vault-root.ts';
import type { VaultRoot } from './vault-root.ts';

/** One run of a job, with everything opened. */
export interface JobContext extends Omit<JobOptions, 'local'>, RunOptions {
  readonly clock: Clock;
  readonly budget: RemovalBudget;
  /** Base agreed with the vault at some position when the run began: a run of touched directories leaves the rest as it is. */
  readonly agreedBefore: boolean;
  /** Told before the first thing that a run changes; may tell the server. */
  readonly onWork: () => Promise<void>;
  readonly temporaryNames: TemporaryNames;
  /** Unfinished files of this job that the scan met. */
  readonly leftovers: readonly Leftover[];
  /** Real path of the folder. */
  readonly root: ByteName;
  readonly local: DiskTree;
  readonly state: JobState;
  readonly vaultRoot: VaultRoot;
  readonly report: ReportDraft;
  readonly progress: ProgressMeter;
  readonly onConflict: OnConflict;
}

/** What is planned: the direction, and for a two-way job whether its pull is through. */
export interface PlanWish {
  readonly mode: 'push' | 'pull';
  readonly twoWay?: PlanRules['twoWay'];
}

/** Changes nothing. */
export async function makePlan(job: JobContext, { mode, twoWay }: PlanWish): Promise<Plan> {
  const { vault, state, local, clock, signal } = job;
  const remote = createRemoteTree(vault.tree);
  const remoteIsBase = vaultIsBase(job);
  const rules = { ...rulesOf(job), ...(twoWay !== undefined && { twoWay, delete: true }) };
  const scope = job.scope?.forPlan();
  const request = { mode, root: rootOf(job, remote), local, base: state, remote, remoteIsBase, rules, scope };
  return runPlanner(createPlanner(request), clock, signal);
}

/** Nobody wrote to the vault since base was remembered, and base knows all of it. */
export function vaultIsBase({ vault, state }: JobContext): boolean {
  return vault.tree.seq > 0 && state.facts?.headSeq === vault.tree.seq;
}

function rulesOf(job: JobContext): PlanRules {
  return {
    delete: job.delete ?? false,
    ignore: createIgnoreRules([...(job.scope?.ruleLines ?? readIgnoreFile(job.root)), ...(job.exclude ?? [])]),
    maxFileSizeBytes: job.maxFileSizeBytes,
    overwrite: false,
    conflictName: conflictNameOf(job),
  };
}

function conflictNameOf({ deviceName, clock }: JobContext): PlanRules['conflictName'] {
  return (name, taken) => conflictName(name, { device: deviceName, atMs: clock.nowMs(), taken });
}

/** The root of a job as a name like all others; only the root of the whole vault has no name and no attributes. */
function rootOf(job: JobContext, remote: RemoteTree): Triple | { readonly below: Place } {
  const { vault, state, local } = job;
  const { names, entry } = findVaultRoot(vault, job.path);
  const last = names.at(-1);
  const parent = {
    parent: undefined,
    name: '',
    local: undefined,
    entry: undefined,
    base: undefined,
    isAboveRoot: true,
  };
  if (last === undefined) return { below: wholeVault(job, parent) };
  const holder = parentOf(vault, names)?.entry;
  return {
    parent: { ...parent, entry: holder },
    name: fromEntryName(last),
    local: local.root(),
    localParent: undefined,
    base: state.root(),
    baseParent: aboveRoot,
    remote: entry === undefined || remote.get(entry.entry) === undefined ? undefined : remoteNode(entry),
  };
}

/** Nothing to compare, only a number in the base for what is below. */
function wholeVault({ state, dryRun }: JobContext, parent: Place): Place {
  const base = state.root()?.directory ?? state.newDirectory();
  if (state.root() === undefined && dryRun !== true) {
    state.remember({ directory: aboveRoot, name: '' }, { directory: base, local: untrusted, remote: '' });
  }
  return { parent, name: '', local: { parent: undefined, name: '' }, entry: rootEntry, base };
}

/** Carries out a plan for push. Answers how many operations another device made impossible. */
export async function push(job: JobContext, { plan, plannedSeq }: PlannedAt): Promise<number> {
  const { vault, state, local, vaultRoot, clock, signal } = job;
  await makeParents(vault, { names: vaultRoot.names, clock }, signal);
  fillInParent(job, plan);
  const undisturbed = vault.tree.seq === plannedSeq;
  const isCareful = job.mode === 'two-way';
  if (isCareful && !undisturbed && vaultRoot.entry !== undefined) return 1;
  const remote = createRemoteTree(vault.tree);
  const deps = { ...job, base: state, local, remote, device: job.device, isCareful };
  const { refused, agreesWithSeq } = await executePush(deps, plan, signal);
  remember(job, plan, undisturbed ? (agreesWithSeq ?? 0) : 0);
  return refused;
}

export interface PlannedAt {
  readonly plan: Plan;
  /** Position of the vault that was planned for. */
  readonly plannedSeq: number;
}

/** @throws TOO_MANY_DELETIONS when the plan would remove more than the job may */
export function checkRemovals(job: JobContext, { mode, counts }: Plan, found: RootFound): void {
  if (job.force === true || counts.removing === 0) return;
  checkReplaced(found, counts.removing);
  // A plan of touched directories has seen only their files.
  const filesThere = Math.max(counts.filesThere, job.scope?.isWhole === false ? job.state.files : 0);
  job.budget.check(mode, { removing: counts.removing, filesThere });
}

/** The directories above the path are made only now, so that a plan changes nothing. */
function fillInParent({ vault, vaultRoot }: JobContext, plan: Plan): void {
  const above = plan.structure.find(({ parent }) => parent.isAboveRoot === true)?.parent;
  if (above !== undefined) above.entry ??= parentOf(vault, vaultRoot.names)?.entry;
}

/** Carries out a plan for pull. Answers whether all of it could be done. */
export async function pull(
  job: JobContext,
  plan: Plan,
  options: Pick<PullExecutorDeps, 'onLikeName'> = {},
): Promise<boolean> {
  const { vault, state, root, signal } = job;
  using folders = new OpenFolders(Folder.root(root));
  removeLeftovers(folders, job.leftovers);
  const deps = {
    ...job,
    ...options,
    remote: createRemoteTree(vault.tree),
    folders,
    base: state,
    times: createFileTimes(),
    settle: () => settleOnDisk(root),
    conflictName: conflictNameOf(job),
    overwrite: false,
  };
  const seq = vault.tree.seq;
  const done = await executePull(deps, plan, signal);
  remember(job, plan, done && plan.complete ? seq : 0);
  return done;
}

/** Writes nothing when nothing changed: then there is nothing to wait for. */
function remember(job: JobContext, plan: Plan, agreedSeq: number): void {
  const { state, local } = job;
  local.root();
  const device = rootIdentity(local);
  const isPart = job.scope?.isWhole === false;
  const headSeq = isPart && !job.agreedBefore ? 0 : agreedSeq;
  if (plan.structure.some(({ action }) => action === 'set-aside')) state.sweep();
  if (state.facts?.headSeq !== headSeq || state.facts.device !== device) state.setFacts({ device, headSeq });
  state.save();
}
