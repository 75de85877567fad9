import { CofferError, rootEntry } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { aboveRoot } from './base.ts';
import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { conflictName } from './conflict-name.ts';
import type { DiskTree } from './disk-tree.ts';
import { createIgnoreRules, readIgnoreFile } from './ignore-rules.ts';
import type { JobState } from './job-state.ts';
import { createFileTimes } from './lay-down/file-times.ts';
import { Folder } from './lay-down/folder.ts';
import { OpenFolders } from './lay-down/open-folders.ts';
import { settleOnDisk } from './lay-down/settle-on-disk.ts';
import { removeLeftovers } from './leftovers.ts';
import type { Leftover } from './leftovers.ts';
import { makeRoot } from './local-root.ts';
import { checkRemovals, defaultMaxDelete } from './max-delete.ts';
import type { PlanRules, Triple } from './merge-children.ts';
import type { Plan } from './plan.ts';
import { countPlan, planLines } from './plan-line.ts';
import type { Place } from './place.ts';
import { createPlanner } from './planner.ts';
import type { ProgressMeter } from './progress.ts';
import { executePull } from './pull-executor.ts';
import { executePush } from './push-executor.ts';
import { createRemoteTree, remoteNode } from './remote-tree.ts';
import type { RemoteTree } from './remote-tree.ts';
import type { ReportDraft } from './report.ts';
import { checkRoot } from './root-guard.ts';
import { runPlanner } from './run-planner.ts';
import { untrusted } from './stamp.ts';
import type { TemporaryNames } from './temporary-name.ts';
import type { SyncOptions } from './sync-once.ts';
import { findVaultRoot, makeParents, parentOf } from './vault-root.ts';
import type { VaultRoot } from './vault-root.ts';

/** One run of a job, with everything opened. */
export interface JobContext extends Omit<SyncOptions, 'mode' | 'local'> {
  readonly mode: 'push' | 'pull';
  readonly clock: Clock;
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
}

/** Another device may be faster again and again; after that many plans the rest is reported. */
const maxPasses = 4;

/** Guards, plans and carries out, and plans again what another device made impossible meanwhile. */
export async function runJob(job: JobContext): Promise<void> {
  checkBothSides(job);
  if (job.mode === 'pull' && job.dryRun !== true) makeRoot(job.root);
  for (let pass = 1; ; pass += 1) {
    const plan = await makePlan(job);
    const plannedSeq = job.vault.tree.seq;
    if (job.dryRun === true) return show(job, plan);
    if (job.force !== true) checkRemovals(plan.counts, job.maxDelete ?? defaultMaxDelete);
    const refused = await carryOut(job, { plan, plannedSeq, isFirst: pass === 1 });
    if (refused === 0 || pass === maxPasses) return;
    job.report.planAgain();
    await job.vault.pull(job.signal);
  }
}

function checkBothSides(job: JobContext): void {
  const found =
    job.force === true ? job.local.root()?.kind : checkRoot(job.local, job.state) === 'there' ? 'directory' : undefined;
  if (found !== undefined && found !== 'directory')
    throw new CofferError('INVALID', 'the local path is not a directory');
  if (job.mode === 'push' && found === undefined) throw new CofferError('NOT_FOUND', 'the folder does not exist');
  if (job.mode === 'pull' && job.vaultRoot.entry === undefined) {
    throw new CofferError('NOT_FOUND', 'there is nothing at this path in the vault');
  }
}

async function makePlan(job: JobContext): Promise<Plan> {
  const { vault, state, local, clock, signal } = job;
  const remote = createRemoteTree(vault.tree);
  const remoteIsBase = vault.tree.seq > 0 && state.facts?.headSeq === vault.tree.seq;
  const root = rootOf(job, remote);
  const request = { mode: job.mode, root, local, base: state, remote, remoteIsBase, rules: rulesOf(job) };
  return runPlanner(createPlanner(request), clock, signal);
}

function rulesOf(job: JobContext): PlanRules {
  return {
    delete: job.delete ?? false,
    ignore: createIgnoreRules([...readIgnoreFile(job.root), ...(job.exclude ?? [])]),
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

function show(job: JobContext, plan: Plan): void {
  job.report.take(plan);
  countPlan(plan, job.report);
  if (job.onPlan === undefined) return;
  for (const line of planLines(plan)) job.onPlan(line);
}

/** Answers how many operations another device made impossible. */
async function carryOut(job: JobContext, { plan, plannedSeq, isFirst }: Planned): Promise<number> {
  // A second plan finds the same again.
  if (isFirst) job.report.take(plan);
  job.progress.enter('transferring', plan.counts);
  if (job.mode === 'pull') {
    await pull(job, plan);
    return 0;
  }
  return push(job, { plan, plannedSeq });
}

interface Planned {
  readonly plan: Plan;
  /** Position of the vault that was planned for. */
  readonly plannedSeq: number;
  readonly isFirst: boolean;
}

async function push(job: JobContext, { plan, plannedSeq }: Omit<Planned, 'isFirst'>): Promise<number> {
  const { vault, state, local, vaultRoot, clock, signal } = job;
  await makeParents(vault, { names: vaultRoot.names, clock }, signal);
  fillInParent(job, plan);
  const undisturbed = vault.tree.seq === plannedSeq;
  const deps = { ...job, base: state, local, remote: createRemoteTree(vault.tree), device: job.device };
  const { refused, agreesWithSeq } = await executePush(deps, plan, signal);
  remember(job, plan, undisturbed ? (agreesWithSeq ?? 0) : 0);
  return refused;
}

/** The directories above the path are made only now, so that a plan changes nothing. */
function fillInParent({ vault, vaultRoot }: JobContext, plan: Plan): void {
  const above = plan.structure.find(({ parent }) => parent.isAboveRoot === true)?.parent;
  if (above !== undefined) above.entry ??= parentOf(vault, vaultRoot.names)?.entry;
}

async function pull(job: JobContext, plan: Plan): Promise<void> {
  const { vault, state, root, signal } = job;
  using folders = new OpenFolders(Folder.root(root));
  removeLeftovers(folders, job.leftovers);
  const deps = {
    ...job,
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
}

/** Writes nothing when nothing changed: then there is nothing to wait for. */
function remember({ state, local }: JobContext, plan: Plan, headSeq: number): void {
  local.root();
  const device = String(local.device);
  if (plan.structure.some(({ action }) => action === 'set-aside')) state.sweep();
  if (state.facts?.headSeq !== headSeq || state.facts.device !== device) state.setFacts({ device, headSeq });
  state.save();
}
