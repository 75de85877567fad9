import { equalBytes, idKey } from '@coffer/core';
import type { BaseNode } from './base.ts';
import type { LocalNode } from './local-tree.ts';
import { mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { Place } from './place.ts';
import { entryKeyOf, entryOf, remoteNode, sameVersion } from './remote-tree.ts';
import type { RemoteNode, RemoteStamp } from './remote-tree.ts';
import { elsewhere } from './stamp.ts';

/*
 * Who does what in a two-way job. A name is the push's where only the folder changed since base, the pull's where only the
 * vault did, and the pull's first where both did: it sets the folder's aside, and the push sends that afterwards.
 */

/** True for a name that a push of a two-way job must not act on; what that means for the plan is noted in the draft. */
export function isForPull(context: PlanContext, triple: Triple): boolean {
  if (context.rules.twoWay === undefined) return false;
  const { local, remote } = triple;
  if (isThere(local)) {
    return remote === undefined ? vanishedThere(context, triple) : bothHave(context, { ...triple, local, remote });
  }
  if (remote === undefined || triple.base !== undefined) return false;
  context.draft.leaveOut();
  return true;
}

/** True for a name that a pull of a two-way job must not act on. */
export function isForPush(context: PlanContext, triple: Triple): boolean {
  const { local, base, remote } = triple;
  if (context.rules.twoWay === undefined || remote === undefined) return false;
  const isPush = isThere(local)
    ? changedHereOnly(context, { ...triple, local, remote })
    : base !== undefined && base.local !== elsewhere && isAsBase(context, triple, remote);
  if (isPush && base?.remote !== remote.stamp) context.draft.leaveOut();
  return isPush;
}

/** Whose times and mode a directory gets: where both sides set them, those of the vault. */
export function attributesAreForPull({ rules }: PlanContext, { base, local, remote }: Triple): boolean {
  if (rules.twoWay === undefined) return false;
  return base === undefined || local?.stamp === base.local || remote?.stamp !== base.remote;
}

/** Where the vault has, inside the root of the plan, an entry that is no longer in its old place. */
export function foundElsewhere({ remote, rootEntry }: PlanContext, stamp: RemoteStamp): RemoteNode | undefined {
  const found = remote.get(entryOf(stamp));
  if (found === undefined || rootEntry === undefined) return undefined;
  const seen = new Set<string>();
  for (let at = found; !seen.has(idKey(at.entry));) {
    if (equalBytes(at.parent, rootEntry)) return remoteNode(found);
    seen.add(idKey(at.entry));
    const above = remote.get(at.parent);
    if (above === undefined) return undefined;
    at = above;
  }
  return undefined;
}

interface OnBoth extends Triple {
  readonly local: LocalNode;
  readonly remote: RemoteNode;
}

/** Base knew it, the vault has it no longer in this place: renamed or removed there, which the pull finds out. */
function vanishedThere(context: PlanContext, { base, local, parent, name, localParent }: Triple): boolean {
  if (base === undefined) return false;
  if (context.rules.twoWay === 'before-pull') {
    context.draft.leaveWork();
    return true;
  }
  if (local?.kind !== 'directory') return false;
  const place = { parent, name, local: { parent: localParent, name }, entry: undefined, base: base.directory };
  if (holdsSomething(context, place)) return false;
  // Only what the rules hide is left in it: it stays here and does not come back there.
  context.draft.leaveOut();
  return true;
}

function holdsSomething(context: PlanContext, place: Place): boolean {
  return mergeChildren(context, place).triples.some(({ local, base, name }) => {
    if (local?.kind !== 'directory' || base === undefined) return isThere(local);
    const below = { parent: place, name, local: { parent: place.local, name }, entry: undefined, base: base.directory };
    return holdsSomething(context, below);
  });
}

function bothHave(context: PlanContext, triple: OnBoth): boolean {
  const { local, base, remote } = triple;
  const { draft } = context;
  if (local.kind !== remote.kind) {
    if (planOfKinds(context, triple) === 'push') return false;
    draft.leaveWork();
    return true;
  }
  if (local.kind === 'directory') return false;
  const isTouched = local.stamp !== base?.local;
  if (isTouched && (base === undefined || isChanged(remote, base.remote))) draft.leaveWork();
  else if (isTouched || remote.stamp === base?.remote) return false;
  else {
    draft.leaveOut();
    if (local.kind === 'file' && sameVersion(remote.stamp, base?.remote ?? '')) draft.counts.unchanged += 1;
  }
  return true;
}

function changedHereOnly(context: PlanContext, triple: OnBoth): boolean {
  const { local, base, remote } = triple;
  if (local.kind !== remote.kind) return planOfKinds(context, triple) === 'push';
  if (local.kind === 'directory' || base === undefined || local.stamp === base.local) return false;
  return !isChanged(remote, base.remote);
}

/**
 * Two kinds of file under one name. Where one side alone changed, it is right; where both did, a directory keeps the name and
 * the file goes aside, and of two that are no directories that of the vault keeps it (SYNC §Conflicts).
 */
function planOfKinds(context: PlanContext, triple: OnBoth): 'push' | 'pull' {
  const { local, base, remote } = triple;
  if (local.kind === 'directory') {
    return base?.directory !== undefined && isUntouchedHere(context, triple) ? 'pull' : 'push';
  }
  if (remote.kind === 'directory') {
    return base?.directory !== undefined && isUntouchedThere(context, triple) ? 'push' : 'pull';
  }
  return base !== undefined && !isChanged(remote, base.remote) ? 'push' : 'pull';
}

/** The folder has in this directory nothing but what base says. */
function isUntouchedHere(context: PlanContext, { parent, name, localParent, base }: Triple): boolean {
  const place = { parent, name, local: { parent: localParent, name }, entry: undefined, base: base?.directory };
  const { triples, blocked } = mergeChildren(context, place);
  return !blocked && triples.every((child) => child.local === undefined || isUntouchedChild(context, child));
}

function isUntouchedChild(context: PlanContext, child: Triple): boolean {
  if (child.base === undefined) return false;
  if (child.local?.kind === 'directory') return child.base.directory !== undefined && isUntouchedHere(context, child);
  return child.local?.stamp === child.base.local;
}

/** The vault has in this directory nothing but what base says. */
function isUntouchedThere(context: PlanContext, { parent, name, base, remote }: Triple): boolean {
  if (remote === undefined || base === undefined || entryKeyOf(remote.stamp) !== entryKeyOf(base.remote)) return false;
  const place = { parent, name, local: undefined, entry: entryOf(remote.stamp), base: base.directory };
  const { triples, blocked } = mergeChildren(context, place);
  return !blocked && triples.every((child) => child.remote === undefined || isAsBase(context, child, child.remote));
}

/** What the vault has under this name is what base says, whatever the folder has. */
function isAsBase(context: PlanContext, triple: Triple, remote: RemoteNode): boolean {
  if (triple.base === undefined) return false;
  if (remote.kind === 'directory') return isUntouchedThere(context, triple);
  return !isChanged(remote, triple.base.remote);
}

/** A link's version shows in its time only; a file's times and mode are no change of its content. */
export function isChanged(remote: RemoteNode, seen: RemoteStamp): boolean {
  return remote.kind === 'symlink' ? remote.stamp !== seen : !sameVersion(remote.stamp, seen);
}

function isThere(local: LocalNode | undefined): local is LocalNode {
  return local !== undefined && local.kind !== 'special' && local.kind !== 'foreign';
}

/**
 * Where size and time are the same on both sides: whether that is no proof. Files of one size, made in the same tick of two
 * clocks, have it; only a job that knows nothing yet goes by it, as rsync does.
 */
export function mustCompare({ rules, base }: PlanContext, seen: BaseNode | undefined): boolean {
  return rules.twoWay !== undefined && (seen !== undefined || base.hasItems);
}
