import type { EntryId } from '@coffer/core';
import type { BaseReader } from './base.ts';
import type { LocalTree } from './local-tree.ts';
import type { PlanContext, PlanRules, Triple } from './merge-children.ts';
import { PlanDraft } from './plan-draft.ts';
import type { Plan } from './plan.ts';
import type { Place } from './place.ts';
import { PullPlanner } from './pull-planner.ts';
import { PushPlanner } from './push-planner.ts';
import { entryOf } from './remote-tree.ts';
import type { RemoteTree } from './remote-tree.ts';
import type { Scope } from './scope.ts';

/** Everything a plan depends on. Reading it has no effect, and the same answers give the same plan. */
export interface PlanRequest {
  readonly mode: 'push' | 'pull';
  /** The root of the job as one name; or a directory below which everything is planned. */
  readonly root: Triple | { readonly below: Place };
  readonly local: LocalTree;
  readonly base: BaseReader;
  readonly remote: RemoteTree;
  /** The vault has not changed since base was remembered, and base knows all of it: the vault need not be read. */
  readonly remoteIsBase: boolean;
  readonly rules: PlanRules;
  /** What is looked at; undefined is everything. */
  readonly scope?: Scope | undefined;
}

/** A plan in the making, one directory at a time, so that a million files do not hold up everything else. */
export interface Planner {
  /** False when nothing is left and {@link finish} may be called. */
  step(): boolean;
  finish(): Plan;
}

/** What is to do so that one side becomes the other (SYNC §Pipeline). A pure function of what the request reads. */
export function plan(request: PlanRequest): Plan {
  const planner = createPlanner(request);
  while (planner.step());
  return planner.finish();
}

/** A planner of one direction; for a two-way job one of each is made (SYNC §Two-way). */
export function createPlanner(request: PlanRequest): Planner {
  const draft = new PlanDraft();
  const context: PlanContext = { ...request, draft, rootEntry: rootEntryOf(request.root) };
  const planner = request.mode === 'push' ? new PushPlanner(context) : new PullPlanner(context);
  if ('below' in request.root) planner.startBelow(request.root.below);
  else planner.start(request.root);
  return {
    step: () => planner.step(),
    finish: () => draft.finish(request.mode, planner.finish()),
  };
}

function rootEntryOf(root: PlanRequest['root']): EntryId | undefined {
  if ('below' in root) return root.below.entry;
  return root.remote === undefined ? undefined : entryOf(root.remote.stamp);
}
